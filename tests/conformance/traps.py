"""The numbered traps of a Temporal-compatible engine that no client can set off, and why."""

NOT_PROVOKED: dict[int, str] = {}
