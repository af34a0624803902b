"""The numbered traps of a Temporal-compatible engine that no client can set off, and why."""

NOT_PROVOKED: dict[int, str] = {
    42: "a worker that changes its client does so on its own side; the service sees other calls",
    43: "it is about tests that share a queue and leave runs behind; each scenario has its own",
}
