"""A connection to a cluster that ends under a call: the call is made again on another one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from hourglass.client import Client
from hourglass.service import RPCError, RPCStatusCode

SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""The first frame of an HTTP/2 server."""
GOAWAY = bytes([0, 0, 8, 7, *(0 for _ in range(13))])
"""The last one, of a server that has taken no request."""
GOODBYES = [b"", SETTINGS, SETTINGS + GOAWAY]


class Between:
    """Between a client and a server; the connections in `goodbyes` end with these words."""

    def __init__(self, server: str, goodbyes: dict[int, bytes]) -> None:
        self._server = server.partition(":")
        self._goodbyes = goodbyes
        self._open: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.connections = 0

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[str]:
        """Listen, at the address that is given, until the end of the block."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"
        server.close()
        for writer in self._open:
            writer.close()
        await asyncio.gather(*self._tasks)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        goodbye = self._goodbyes.get(self.connections)
        if goodbye is None:
            self._tasks.append(asyncio.create_task(self._connect(reader, writer)))
        else:
            writer.write(goodbye)
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._server
        onwards = await asyncio.open_connection(host, port)
        self._open += [writer, onwards[1]]
        await asyncio.gather(pass_on(reader, onwards[1]), pass_on(onwards[0], writer))


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until one side has ended."""
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def test_a_call_is_made_again_when_its_connection_ends_before_it_was_sent(
    temporal_server: str,
) -> None:
    """Whatever the transport says of it, which depends on who of its tasks comes first."""
    for goodbye in GOODBYES * 5:
        between = Between(temporal_server, {2: goodbye, 3: goodbye})
        async with between.listen() as address, await Client.connect(address) as client:
            with pytest.raises(RPCError) as raised:
                await client.get_workflow_handle("nobody").describe()
        assert raised.value.status == RPCStatusCode.NOT_FOUND, raised.value
        assert between.connections > 2
