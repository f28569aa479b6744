"""Sockets: the Centrifuge client protocol."""
