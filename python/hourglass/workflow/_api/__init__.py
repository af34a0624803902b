"""The calls of workflow code: thin faces of the run whose code is running (`current`)."""
