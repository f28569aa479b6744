"""Several houses on one machine: their database, their Redis, one front, and somebody who keeps them running."""
