"""Programs that are run on one Python and replayed on the others."""
