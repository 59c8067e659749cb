"""A network that misbehaves: connections cut like a cable, late, stalled, reset in mid-sentence, in crumbs."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from local_stack.ports import HOST, free_port

CHUNK = 65_536


@dataclass
class Faults:
    """What happens to the bytes of a connection, in both directions."""

    latency_s: float = 0
    """Every piece is late by so long."""
    crumbs: int = CHUNK
    """No piece is longer than so many bytes."""
    reset_after: int | None = None
    """Each connection is reset when so many bytes have passed it."""
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared, everything stalls: connections stay open, nothing passes."""

    def __post_init__(self) -> None:
        self.flowing.set()


class Proxy:
    """A TCP proxy before one server. Kafka's clients must be told of it as the broker's address, too."""

    def __init__(self, host: str, port: int, own_port: int | None = None) -> None:
        """Stands before what listens at `host:port`."""
        self._target = (host, port)
        self._pipes: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._cut = False
        self._faults = Faults()
        self._stalled: list[Faults] = []
        self.port = own_port or free_port()

    @classmethod
    def before(cls, url: str) -> "Proxy":
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        return cls(parts.hostname, parts.port)

    def redirect(self, url: str) -> str:
        """The URL by way of the proxy."""
        parts = urlsplit(url)
        credentials = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{credentials}@{HOST}:{self.port}"))

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, self.port)

    def cut(self) -> None:
        """Ends all connections and refuses new ones."""
        self._cut = True
        self._reset()

    def mend(self) -> None:
        """New connections are as they should be; those that stalled go on stalling."""
        self._cut = False
        self._faults = Faults()

    def begin(self, faults: Faults) -> None:
        """Ends all connections; new ones have these faults."""
        self._faults = faults
        self._reset()

    def stall(self) -> None:
        """Nothing passes any more on the connections there are, which stay open; new ones are as they should be."""
        self._faults.flowing.clear()
        self._stalled.append(self._faults)
        self._faults = Faults()

    def _reset(self) -> None:
        for writer in list(self._pipes):
            writer.transport.abort()

    async def close(self) -> None:
        self.cut()
        for faults in self._stalled:
            faults.flowing.set()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(*self._target)
        self._pipes |= {writer, back}
        connection = _Connection(self._faults)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(connection.pump(reader, back))
                both.create_task(connection.pump(there, writer))
        finally:
            self._pipes -= {writer, back}


@dataclass
class _Connection:
    """Both directions of one connection, under the faults that were there when it was opened."""

    faults: Faults
    passed: int = 0

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(self.faults.crumbs):
                await self.faults.flowing.wait()
                await asyncio.sleep(self.faults.latency_s)
                writer.write(data)
                await writer.drain()
                self._count(data, writer)
        except OSError:
            pass
        finally:
            writer.close()

    def _count(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        self.passed += len(data)
        if self.faults.reset_after is not None and self.passed >= self.faults.reset_after:
            writer.transport.abort()
