"""What a target's text means, and what is refused."""

import re
from pathlib import Path
from typing import Any

import pytest

from hourglass.client import Client, CountWorkflowsInput
from hourglass.client._target import (
    DEFAULT_TARGET,
    Cluster,
    Database,
    Surroundings,
    parse_target,
    surroundings,
)
from hourglass.exceptions import DatabaseError, InvalidArgumentError, InvalidTargetError
from hourglass.service import TLSConfig


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("sqlite://", Database(None)),
        ("sqlite:///:memory:", Database(None)),
        ("sqlite://?time_skipping=true", Database(None, time_skipping=True)),
        ("sqlite://?history_events=9", Database(None, history_events=9)),
        (
            "sqlite://?time_skipping=true&history_events=0",
            Database(None, time_skipping=True, history_events=0),
        ),
        ("sqlite:///orders.db", Database("orders.db")),
        ("sqlite:////var/orders.db", Database("/var/orders.db")),
        ("sqlite:///a.db?synchronous=normal", Database("a.db", "normal")),
        ("sqlite:///a.db?wait=30", Database("a.db", wait=30)),
        ("sqlite:///a.db?wait=0.5&synchronous=normal", Database("a.db", "normal", 0.5)),
        (
            "sqlite:///a.db?history_events=0&history_bytes=1",
            Database("a.db", history_events=0, history_bytes=1),
        ),
        ("sqlite:///what%3F.db", Database("what?.db")),
        ("sqlite:///100%25.db?wait=1", Database("100%.db", wait=1)),
        ("sqlite:///caf%C3%A9.db", Database("café.db")),
        ("localhost:7233", Cluster("localhost:7233", None)),
        ("[::1]:7233", Cluster("[::1]:7233", None)),
        ("http://host:1", Cluster("host:1", False)),
        ("https://host/", Cluster("host", True)),
    ],
)
def test_each_accepted_form_is_understood(target: str, place: Database | Cluster) -> None:
    assert parse_target(target) == place


@pytest.mark.parametrize(
    ("target", "culprit"),
    [
        ("postgres://x/y", "scheme 'postgres'"),
        ("ftp://x", "scheme 'ftp'"),
        ("sqlite:/one-slash", "sqlite:/one-slash"),
        ("sqlite://host/path.db", "which file"),
        ("sqlite:///", "no path"),
        ("sqlite:///a.db?mode=ro", "'mode'"),
        ("sqlite:///a.db?synchronous=off", "synchronous"),
        ("sqlite:///a.db?wait=long", "wait is a number of seconds"),
        ("sqlite:///a.db?history_events=many", "history_events is a number"),
        ("sqlite:///a.db?history_bytes=5000000000", "history_bytes is a number up to"),
        ("sqlite:///a.db?time_skipping=true", "'time_skipping'"),
        ("sqlite://?wait=1", "'wait'"),
        ("sqlite:///a.db?wait=-1", "wait is a number of seconds"),
        ("sqlite:///%FF.db", "no UTF-8"),
        ("sqlite:///a%00b.db", "a zero byte"),
        ("localhost", "'localhost'"),
        ("", "''"),
        ("http://", "host:port"),
        ("http://host:1/path", "host:port"),
        ("host:port", "scheme 'host'"),
        (7233, "7233"),
    ],
)
def test_anything_else_is_refused_and_named(target: Any, culprit: str) -> None:
    with pytest.raises(InvalidTargetError, match=re.escape(culprit)):
        parse_target(target)


def test_without_an_address_in_the_environment_it_is_a_file() -> None:
    assert surroundings({"TEMPORAL_API_KEY": "unused"}) == Surroundings(DEFAULT_TARGET)


def test_the_environment_can_say_everything(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(b"ca")
    found = surroundings(
        {
            "TEMPORAL_ADDRESS": "host:1",
            "TEMPORAL_NAMESPACE": "space",
            "TEMPORAL_API_KEY": "key",
            "TEMPORAL_TLS": "true",
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(tmp_path / "ca.pem"),
        }
    )
    tls = TLSConfig(server_root_ca_cert=b"ca")
    assert found == Surroundings("host:1", "space", "key", tls)
    assert tls.to_native() == {"server_root_ca_cert": b"ca"}


@pytest.mark.parametrize(("switch", "tls"), [("true", True), ("0", False)])
def test_tls_can_be_switched_by_the_environment(switch: str, tls: bool) -> None:
    values = {"TEMPORAL_ADDRESS": "host:1", "TEMPORAL_TLS": switch}
    assert surroundings(values).tls is tls


def test_a_tls_switch_that_is_neither_is_refused() -> None:
    with pytest.raises(InvalidTargetError, match="maybe"):
        surroundings({"TEMPORAL_ADDRESS": "host:1", "TEMPORAL_TLS": "maybe"})


@pytest.mark.parametrize(
    ("options", "culprit"),
    [
        ({"api_key": "k"}, "api_key"),
        ({"tls": True}, "tls"),
        ({"rpc_metadata": {"a": "b"}}, "rpc_metadata"),
        ({"namespace": ""}, "namespace"),
    ],
)
async def test_an_option_without_meaning_for_a_database_is_refused(
    options: dict[str, Any], culprit: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=culprit):
        await Client.connect("sqlite://", lazy=True, **options)


async def test_tls_that_contradicts_the_target_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="contradicts"):
        await Client.connect("https://host:1", tls=False, lazy=True)


async def test_an_unknown_option_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="namespcae"):
        await Client.connect("sqlite://", namespcae="x")  # type: ignore[call-arg]


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


async def test_a_lazy_client_knows_where_it_goes_and_touches_nothing(tmp_path: Path) -> None:
    client = await Client.connect(f"sqlite:///{tmp_path}/x.db", lazy=True, namespace="space")
    assert (client.namespace, client.target) == ("space", f"sqlite:///{tmp_path}/x.db")
    assert is_empty(tmp_path)
    await client.close()


@pytest.mark.parametrize(
    "target",
    [
        "postgres://user:hunter2@host/db",
        "postgres://user:hun/ter2@host/db",
        "https://user:hunter2@host:7233",
        "https://hunter2@host:7233",
        "user:hunter2@host:7233",
        "host?password=hunter2",
        "https://host:7233?api_key=hunter2",
        "sqlite:///a.db?key=hunter2",
        "sqlite:///a.db?wait=hurry&key=hunter2",
        "sqlite://user:hunter2@host/a.db",
    ],
)
def test_a_refused_target_is_named_without_its_secret(target: str) -> None:
    with pytest.raises(InvalidTargetError) as refused:
        parse_target(target)
    assert "ter2" not in str(refused.value)
    assert "…" in str(refused.value)


async def test_no_representation_shows_a_secret() -> None:
    tls = TLSConfig(client_cert=b"cert", client_private_key=b"hunter2")
    metadata = {"authorization": "hunter2"}
    client = await Client.connect(
        "host:1", lazy=True, api_key="hunter2", tls=tls, rpc_metadata=metadata
    )
    given = CountWorkflowsInput("q", metadata, None)
    shown = [client, client.connection, client.connection.options, client.config(), tls, given]
    assert "hunter2" not in repr(shown)
    with pytest.raises(InvalidArgumentError) as refused:
        await Client.connect("http://host:1", lazy=True, api_key="hunter2", tls=tls)
    assert "hunter2" not in str(refused.value)
    with pytest.raises(InvalidArgumentError) as refused:
        await Client.connect("sqlite://", lazy=True, api_key="hunter2", rpc_metadata=metadata)
    assert "hunter2" not in str(refused.value)


async def test_a_file_name_may_have_a_question_mark(tmp_path: Path) -> None:
    async with await Client.connect(f"sqlite:///{tmp_path}/what%3F.db"):
        assert (tmp_path / "what?.db").is_file()


async def test_a_loop_of_links_is_a_typed_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "x.db").symlink_to(tmp_path / "y.db")
    (tmp_path / "y.db").symlink_to(tmp_path / "x.db")
    with pytest.raises(DatabaseError, match=r"x\.db"):
        await Client.connect(f"sqlite:///{tmp_path}/x.db")


def test_without_asyncio_the_error_says_what_is_needed() -> None:
    """As under trio, whose coroutines run without an event loop of asyncio."""
    with pytest.raises(RuntimeError, match=r"event loop of asyncio.*asyncio\.run"):
        Client.connect("sqlite://").send(None)


def test_a_certificate_that_can_not_be_read_names_its_variable() -> None:
    given = {"TEMPORAL_ADDRESS": "host:1", "TEMPORAL_TLS_CLIENT_KEY_PATH": "/nowhere/key.pem"}
    culprit = r"TEMPORAL_TLS_CLIENT_KEY_PATH.*/nowhere/key\.pem"
    with pytest.raises(InvalidTargetError, match=culprit):
        surroundings(given)
