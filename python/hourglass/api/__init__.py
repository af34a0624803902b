"""Temporal's API messages, as far as programs build them without the protobuf package."""
