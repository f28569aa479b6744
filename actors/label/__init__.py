"""Labels: batches of codes that are printed before there is a letter."""
