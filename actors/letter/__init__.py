"""Letters: the actor of each with its delivery task, and what is seen of them."""
