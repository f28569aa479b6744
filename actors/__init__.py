"""Decisions and state: one module per noun. See `runtime` for how actors live."""
