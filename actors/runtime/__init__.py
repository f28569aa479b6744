"""The actor runtime: domain-free, imports only itself."""
