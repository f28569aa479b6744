"""Edges: bytes in, bytes out, no decisions."""
