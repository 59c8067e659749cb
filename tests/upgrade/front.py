"""Ports in front of several instances, as a cluster's Service is: each connection goes to one that is ready."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from local_stack.ports import HOST

_CHUNK = 65_536


class Fronts:
    """Ports by what is behind them. Runs in a thread of its own, since what calls through it may hold up its loop."""

    def __init__(self) -> None:
        self._behind: dict[int, list[int]] = defaultdict(list)
        self._loop = asyncio.new_event_loop()

    def put(self, front: int, port: int) -> None:
        """From now on connections to `front` come to `port`, too."""
        self._behind[front].append(port)

    def take(self, front: int, port: int) -> None:
        """New connections come there no more; those that there are stay."""
        self._behind[front].remove(port)

    @contextmanager
    def listening(self, ports: list[int]) -> Iterator[None]:
        thread = Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        for port in ports:
            asyncio.run_coroutine_threadsafe(self._listen(port), self._loop).result()
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()

    async def _listen(self, front: int) -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                there, back = await self._connect(front)
                await asyncio.gather(_pass(reader, back), _pass(there, writer))
            writer.close()

        await asyncio.start_server(accept, HOST, front)

    async def _connect(self, front: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError when nothing that answers is behind it."""
        if not (ready := self._behind[front]):
            raise ConnectionRefusedError
        return await asyncio.open_connection(HOST, random.choice(ready))


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends, which ends the other side's connection, too."""
    try:
        while piece := await reader.read(_CHUNK):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        with suppress(OSError):
            writer.close()
