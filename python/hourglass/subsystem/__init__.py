"""What one process has once, below every client and worker."""
