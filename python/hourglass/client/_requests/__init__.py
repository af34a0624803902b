"""One module per RPC: the request from what the caller gave, and what its answer means."""
