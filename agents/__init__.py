"""Agents that learn where to look, one algorithm a file, each a command: `python -m agents.NAME --help`."""
