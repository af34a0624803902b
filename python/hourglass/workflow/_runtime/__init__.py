"""The runtime: activations in, completions out. Uses `_definition`, never `_api`."""
