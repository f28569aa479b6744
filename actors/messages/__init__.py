"""The protocol: every command, query and event of the system, one module per noun, and nothing else."""
