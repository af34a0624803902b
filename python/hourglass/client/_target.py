"""The target of a client: the meaning of its text.

==============================  ===============================================================
``sqlite:///orders.db``         the embedded engine on a file, relative to the working directory
``sqlite:////var/orders.db``    the same, absolute
``sqlite://``                   the embedded engine in memory: gone with the client
``host:port``                   a Temporal cluster (TLS as the options say)
``http://…``, ``https://…``     a Temporal cluster, without and with TLS
nothing                         ``TEMPORAL_ADDRESS`` if set, else ``sqlite:///hourglass.db``
==============================  ===============================================================

In a file's path ``%`` begins a byte in hexadecimal: ``%3F`` is a question mark, ``%25`` a percent
sign. Behind it, with ``&`` between them:

- ``?synchronous=normal`` trades the last transactions at a power cut for speed.
- ``?wait=30`` waits that many seconds for another process that has the file open, as the old one
  has in a deploy (without it: `DatabaseInUseError` at once).
- ``?history_events=51200`` and ``?history_bytes=52428800`` terminate a run whose history outgrows
  them. Those are the server's limits, which hold where nothing is said; 0 is unlimited.

``sqlite://?time_skipping=true`` is an engine for tests: see `hourglass.testing`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from hourglass.exceptions import InvalidTargetError
from hourglass.service import TLSConfig

if TYPE_CHECKING:
    from hourglass.subsystem.engines import Synchronous

DEFAULT_TARGET = "sqlite:///hourglass.db"
TIME_SKIPPING_TARGET = "sqlite://?time_skipping=true"
_HOST_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:/?#@\[\]]+):\d{1,5}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_USER_AND_PASSWORD = re.compile(r"(?<=//).*@|^[^/]*@")
_QUERY_VALUE = re.compile(r"(?<=[?&])([^=&]*)=[^&]*")
_OPTIONS = ("synchronous", "wait", "time_skipping", "history_events", "history_bytes")
_LARGEST_LIMIT = 2**32 - 1
_FORMS = (
    "sqlite:///relative/path.db, sqlite:////absolute/path.db, sqlite:// (in memory), host:port, "
    "http://host:port, https://host:port"
)


@dataclass(frozen=True)
class Database:
    """The embedded engine; `path` None is in memory."""

    path: str | None
    synchronous: Synchronous = "full"
    wait: float = 0.0
    """Seconds to wait for another process that has it open."""
    time_skipping: bool = False
    history_events: int | None = None
    history_bytes: int | None = None
    """The limits of a run's history; 0 is unlimited, None is as on a server."""


@dataclass(frozen=True)
class Cluster:
    """A Temporal cluster; `tls` None leaves the choice to the options."""

    address: str
    tls: bool | None

    def url(self, tls: bool) -> str:
        """The address with the scheme that belongs to `tls`."""
        return f"{'https' if tls else 'http'}://{self.address}"


def parse_target(target: str) -> Database | Cluster:
    """Read a target; `InvalidTargetError` names what is wrong and what is accepted."""
    if not isinstance(target, str):  # pyright: ignore[reportUnnecessaryIsInstance] - user input
        raise InvalidTargetError(f"the target {target!r} is no text; accepted are: {_FORMS}")
    shown = repr(without_secrets(target))
    if target == "sqlite:" or target.startswith("sqlite:/"):
        return _database(target)
    for prefix, tls in (("http://", False), ("https://", True)):
        if target.startswith(prefix):
            address = target.removeprefix(prefix).rstrip("/")
            if not address or re.search(r"[\s/?#@]", address):
                raise InvalidTargetError(f"the target {shown} has no plain host:port")
            return Cluster(address, tls)
    if _HOST_PORT.fullmatch(target):
        return Cluster(target, None)
    scheme = _SCHEME.match(target)
    culprit = f"scheme {scheme[0]!r}" if scheme else "form"
    raise InvalidTargetError(f"the target {shown} has an unknown {culprit}; accepted are: {_FORMS}")


def without_secrets(target: str) -> str:
    """The target as errors show it: without a password, a key or a token that it may hold."""
    plain = target if target.startswith("sqlite:///") else _USER_AND_PASSWORD.sub("…@", target)
    return _QUERY_VALUE.sub(
        lambda found: found[0] if found[1] in _OPTIONS else f"{found[1]}=…", plain
    )


def _database(target: str) -> Database:
    shown = repr(without_secrets(target))
    place, _, query = target.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    events = _limit("history_events", options, shown)
    size = _limit("history_bytes", options, shown)
    if place in ("sqlite://", "sqlite:///:memory:"):
        skips = options.pop("time_skipping", None) == "true"
        database = Database(None, time_skipping=skips, history_events=events, history_bytes=size)
    elif not place.startswith("sqlite:///"):
        raise InvalidTargetError(
            f"the target {shown} does not say which file: sqlite:/// stands before a relative "
            "path, sqlite://// before an absolute one"
        )
    elif not (path := place.removeprefix("sqlite:///")):
        raise InvalidTargetError(f"the target {shown} has no path; in memory is sqlite://")
    else:
        level = _level(options.pop("synchronous", "full"), shown)
        wait = options.pop("wait", "0")
        if not re.fullmatch(r"\d+(\.\d+)?", wait):
            raise InvalidTargetError(f"the target {shown}: wait is a number of seconds")
        path = _unquoted(path, shown)
        database = Database(path, level, float(wait), history_events=events, history_bytes=size)
    if options:
        raise InvalidTargetError(f"the target {shown} has an unknown option {min(options)!r}")
    return database


def _level(synchronous: str, target: str) -> Synchronous:
    if synchronous == "full":
        return "full"
    if synchronous == "normal":
        return "normal"
    raise InvalidTargetError(f"the target {target}: synchronous is either full or normal")


def _limit(name: str, options: dict[str, str], target: str) -> int | None:
    value = options.pop(name, None)
    if value is None:
        return None
    if not re.fullmatch(r"\d{1,10}", value) or int(value) > _LARGEST_LIMIT:
        raise InvalidTargetError(
            f"the target {target}: {name} is a number up to {_LARGEST_LIMIT}; 0 is unlimited"
        )
    return int(value)


def _unquoted(path: str, target: str) -> str:
    try:
        plain = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise InvalidTargetError(f"the path of the target {target} is no UTF-8") from None
    if "\0" in plain:
        raise InvalidTargetError(f"the path of the target {target} has a zero byte")
    return plain


@dataclass(frozen=True)
class Surroundings:
    """The target that the environment names, for `Client.connect` without one."""

    target: str
    namespace: str | None = None
    api_key: str | None = None
    tls: bool | TLSConfig | None = None


def surroundings(environment: Mapping[str, str] | None = None) -> Surroundings:
    """Read the convention's variables: ``TEMPORAL_ADDRESS``, ``_NAMESPACE``, ``_API_KEY``,
    ``_TLS`` and ``_TLS_…_PATH``. Without an address the rest does not apply."""
    values = os.environ if environment is None else environment
    address = values.get("TEMPORAL_ADDRESS")
    if not address:
        return Surroundings(DEFAULT_TARGET)
    return Surroundings(
        address,
        values.get("TEMPORAL_NAMESPACE") or None,
        values.get("TEMPORAL_API_KEY") or None,
        _tls_of(values),
    )


def _tls_of(values: Mapping[str, str]) -> bool | TLSConfig | None:
    def content(name: str) -> bytes | None:
        path = values.get(f"TEMPORAL_TLS_{name}_PATH")
        if path:
            try:
                return Path(path).read_bytes()
            except OSError as error:
                raise InvalidTargetError(
                    f"TEMPORAL_TLS_{name}_PATH can't be read: {error}"
                ) from None
        data = values.get(f"TEMPORAL_TLS_{name}_DATA")
        return data.encode() if data else None

    config = TLSConfig(
        server_root_ca_cert=content("SERVER_CA_CERT"),
        domain=values.get("TEMPORAL_TLS_SERVER_NAME") or None,
        client_cert=content("CLIENT_CERT"),
        client_private_key=content("CLIENT_KEY"),
    )
    switch = values.get("TEMPORAL_TLS")
    if switch is not None and switch.lower() not in ("true", "false", "1", "0"):
        raise InvalidTargetError(f"TEMPORAL_TLS is {switch!r}; it has to be true or false")
    if switch is not None and switch.lower() in ("false", "0"):
        return False
    if config != TLSConfig():
        return config
    return True if switch is not None else None
