"""Requests of RPCs from what the caller gave, and the meaning of the answers: an RPC, a file."""
