"""Hourglass: durable execution for Python on a Rust core."""
