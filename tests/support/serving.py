"""Applications served inside the test's own loop, and their readiness."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from contracts.kit.authorities import trusted_authorities
from contracts.kit.internal import is_internal
from contracts.kit.listeners import bind
from contracts.kit.settings import ServiceSettings
from local_stack.ports import HOST
from support.waiting import eventually


class Server(uvicorn.Server):
    """A web server inside the test's own loop, which keeps the signals to itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, port: int, *more_ports: int) -> AsyncGenerator[str]:
    """Serves while entered, on the other ports too; gives the base URL of the first one."""
    server = Server(uvicorn.Config(app, log_config=None, access_log=False, proxy_headers=False))
    task = asyncio.create_task(server.serve([bind(HOST, each) for each in (port, *more_ports)]))
    while not server.started:
        assert not task.done(), "the server did not start"
        await asyncio.sleep(0.01)
    try:
        yield f"http://{HOST}:{port}"
    finally:
        server.should_exit = True
        await task


class ServiceTransport(httpx.ASGITransport):
    """Reaches a service in this process, each path on the listener that serves it."""

    def __init__(self, app: Any, settings: ServiceSettings, **more: Any) -> None:
        super().__init__(app, **more)
        self._internal_port = settings.internal_port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if is_internal(request.url.path):
            request.url = request.url.copy_with(port=self._internal_port)
        return await super().handle_async_request(request)


def serving_service(app: ASGIApp, settings: ServiceSettings) -> AbstractAsyncContextManager[str]:
    """Serves a service on both of its ports; gives the URL of the public one."""
    return serving(app, settings.http_port, settings.internal_port)


async def ready(settings: ServiceSettings) -> None:
    """Waits until a service says that it is ready."""
    url = f"http://{HOST}:{settings.internal_port}/health/ready"

    async with httpx.AsyncClient(verify=trusted_authorities()) as client:

        async def look() -> bool:
            try:
                return (await client.get(url)).is_success
            except httpx.TransportError:
                return False

        await eventually(look, "readiness")
