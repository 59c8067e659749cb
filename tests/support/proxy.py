"""A server's connections cut like a cable, and mended."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

from local_stack.ports import HOST, free_port


class Proxy:
    """A TCP proxy that can be cut like a cable, and mended."""

    def __init__(self, host: str, port: int) -> None:
        """Stands before what listens at `host:port`."""
        self._target = (host, port)
        self._pipes: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._cut = False
        self.port = free_port()

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
        for writer in list(self._pipes):
            writer.transport.abort()

    def mend(self) -> None:
        self._cut = False

    async def close(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(*self._target)
        self._pipes |= {writer, back}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(reader, back))
                both.create_task(_pump(there, writer))
        finally:
            self._pipes -= {writer, back}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
