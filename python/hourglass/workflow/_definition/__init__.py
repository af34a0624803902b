"""Definitions: the decorators, and the tables they leave on classes. Knows nothing of a run."""
