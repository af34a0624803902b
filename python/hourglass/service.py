"""Errors of raw calls to the service, where the convention has them.

They are defined in `hourglass.exceptions`, with the rest of the tree.
"""

from hourglass.exceptions import RPCError, RPCStatusCode

__all__ = ["RPCError", "RPCStatusCode"]
