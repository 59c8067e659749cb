"""Applications served inside the test's own loop, and their readiness."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
import uvicorn
from starlette.types import ASGIApp

from local_stack.ports import HOST
from support.waiting import eventually


class Server(uvicorn.Server):
    """A web server inside the test's own loop, which keeps the signals to itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, port: int) -> AsyncGenerator[str]:
    """Serves while entered; gives the base URL."""
    server = Server(uvicorn.Config(app, host=HOST, port=port, log_config=None, access_log=False, proxy_headers=False))
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), "the server did not start"
        await asyncio.sleep(0.01)
    try:
        yield f"http://{HOST}:{port}"
    finally:
        server.should_exit = True
        await task


async def ready(port: int) -> None:
    """Waits until a service says that it is ready."""

    async def look() -> bool:
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"http://{HOST}:{port}/health/ready")).is_success
        except httpx.TransportError:
            return False

    await eventually(look, "readiness")
