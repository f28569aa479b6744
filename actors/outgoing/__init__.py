"""What leaves the house for people who are not here: durable rows, one worker per channel, senders behind a port."""
