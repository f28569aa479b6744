"""Benchmarks: see README.md. A real package, since the drivers put a module of the same name on the path."""
