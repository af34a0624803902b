"""The two exception classes of the native module, written in Python: a native class can only
extend `Exception` from Python 3.12 on, and this module is built for 3.10."""


class BridgeError(Exception):
    """An error of one of the kinds in `BRIDGE_ERROR_KINDS`."""

    def __init__(self, kind, message, status=None, details=()):
        super().__init__(kind, message, status, details)
        self.kind = kind
        self.message = message
        self.status = status
        self.details = list(details)

    def __str__(self):
        return f"{self.kind}: {self.message}"


class StaleHandleError(BridgeError):
    """A handle of another process or of a runtime that is gone."""

    pid = None
    epoch = None
