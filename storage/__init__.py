"""Rows and bytes: PostgreSQL, the journal, one store per noun."""
