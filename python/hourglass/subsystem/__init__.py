"""The native side of one process: everything below its clients and workers, supervised."""
