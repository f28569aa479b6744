"""Accounts: each is an entity; making, listing and password changes are services."""
