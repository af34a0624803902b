"""Namespaces are registered and described by a client, on every engine alike."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hourglass.client import Client, NamespaceState, RPCError, RPCStatusCode
from hourglass.exceptions import InvalidArgumentError
from tests.support import unique


async def test_a_registered_namespace_is_described_as_it_was_registered(
    client: Client, embedded: bool
) -> None:
    name = unique("namespace")
    await client.register_namespace(
        name,
        retention=timedelta(days=5),
        description="orders",
        owner_email="ada@example.com",
        data={"tier": "gold"},
        rpc_timeout=timedelta(seconds=20),
    )
    found = await client.describe_namespace(name, rpc_timeout=timedelta(seconds=20))
    assert (found.name, found.description, found.owner_email) == (
        name,
        "orders",
        "ada@example.com",
    )
    assert found.data == {"tier": "gold"}
    # The embedded engine deletes nothing by itself, and does not say that it does.
    assert found.retention == (None if embedded else timedelta(days=5))
    assert found.state is NamespaceState.REGISTERED
    assert found.id
    assert found.raw_description["namespace_info"]["name"] == name
    with pytest.raises(RPCError) as taken:
        await client.register_namespace(name)
    assert taken.value.status is RPCStatusCode.ALREADY_EXISTS


async def test_without_a_name_it_is_the_clients_own(client: Client) -> None:
    assert (await client.describe_namespace()).name == client.namespace


async def test_a_namespace_that_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(RPCError) as missing:
        await client.describe_namespace(unique("nobody"))
    assert missing.value.status is RPCStatusCode.NOT_FOUND


async def test_what_can_be_no_namespace_is_refused_before_anything_is_sent() -> None:
    client = await Client.connect("127.0.0.1:1", lazy=True)
    with pytest.raises(InvalidArgumentError, match="namespace is empty"):
        await client.register_namespace("")
    with pytest.raises(InvalidArgumentError, match="namespace is empty"):
        await client.describe_namespace("")
    with pytest.raises(TypeError, match="retention"):
        await client.register_namespace("n", retention=7)  # type: ignore[arg-type]
