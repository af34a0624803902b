"""`temporal.api.common`."""
