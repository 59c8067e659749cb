"""Applications served inside the test's own loop, and services as processes that can be killed."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import httpx
import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp

from contracts.kit.settings import ServiceSettings
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
    server = Server(uvicorn.Config(app, host=HOST, port=port, log_config=None, access_log=False))
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


def environment(settings: ServiceSettings) -> Mapping[str, str]:
    """The settings as a process gets them."""
    values = settings.model_dump(exclude_none=True)
    plain = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else settings.model_dump(mode="json")[name]
        for name, value in values.items()
    }
    return os.environ | {name.upper(): str(value) for name, value in plain.items()}


async def start_process(module: str, settings: ServiceSettings, **more: str) -> asyncio.subprocess.Process:
    """`python -m module run` in a process of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        "run",
        env={**environment(settings), **more, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=asyncio.subprocess.DEVNULL,
    )
