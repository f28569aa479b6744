"""What proves who somebody is: passwords, keys, tokens, limits on guessing. Rules and tools; no actor lives here."""
