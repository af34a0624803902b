"""The connection's options and the errors of raw calls, where the convention has them."""

from __future__ import annotations

from dataclasses import dataclass, field

from hourglass.exceptions import RPCError, RPCStatusCode

__all__ = ["RPCError", "RPCStatusCode", "TLSConfig"]


@dataclass(frozen=True)
class TLSConfig:
    """Proof of the server's identity and the client's own; certificates and keys are PEM."""

    server_root_ca_cert: bytes | None = None
    domain: str | None = None
    """The name in the server's certificate, where it is not the host's."""
    client_cert: bytes | None = None
    client_private_key: bytes | None = field(default=None, repr=False)

    def to_native(self) -> dict[str, bytes | str]:
        """Return the keywords of the native client: only those that are set."""
        members = {
            "server_root_ca_cert": self.server_root_ca_cert,
            "domain": self.domain,
            "client_cert": self.client_cert,
            "client_private_key": self.client_private_key,
        }
        return {name: value for name, value in members.items() if value is not None}
