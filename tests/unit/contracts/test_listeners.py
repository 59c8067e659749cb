"""Two listeners of one process: what is served on which of them."""

import httpx
import pytest
from fastapi import APIRouter
from pydantic import SecretStr, ValidationError

from contracts.kit.listeners import bind
from contracts.kit.service import Service
from contracts.kit.settings import ServiceSettings
from local_stack.ports import HOST, free_port
from support.serving import serving_service

PUBLIC = ["/v1/notes", "/f/a-form"]
INTERNAL = ["/internal/notes", "/health/live", "/metrics"]


def settings(**own: object) -> ServiceSettings:
    required = {
        "database_url": SecretStr("postgresql://nobody@127.0.0.1:1/none"),
        "kafka_bootstrap": "127.0.0.1:1",
        "auth_issuer": "x",
        "auth_audience": "x",
    }
    return ServiceSettings.model_validate(required | own)


def routes() -> APIRouter:
    router = APIRouter()
    for path in (*PUBLIC, "/internal/notes"):
        router.add_api_route(path, lambda: "here")
    return router


@pytest.fixture
def ports() -> dict[str, int]:
    return {"http_port": free_port(), "internal_port": free_port()}


async def test_each_listener_answers_404_for_what_the_other_serves(ports: dict[str, int]) -> None:
    probe = settings(**ports)
    app = Service("probe-service", probe).app("probe", [routes()])
    app.router.lifespan_context = lambda _: _Nothing()  # servers behind it are no matter here
    async with serving_service(app, probe), httpx.AsyncClient() as client:
        for port, served in ((probe.http_port, PUBLIC), (probe.internal_port, INTERNAL)):
            for path in (*PUBLIC, *INTERNAL):
                answer = await client.get(f"http://{HOST}:{port}{path}", headers={"host": f"x:{probe.internal_port}"})
                assert answer.status_code == (200 if path in served else 404), f"{port} {path}"
                if path not in served:
                    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_public_listener_tells_what_is_internal_from_what_is_nowhere_by_nothing(
    ports: dict[str, int],
) -> None:
    probe = settings(**ports)
    app = Service("probe-service", probe).app("probe", [routes()])
    public = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://probe:{probe.http_port}")
    async with public:
        answers = [await public.get(path) for path in ("/internal/notes", "/nowhere", "//internal/notes")]
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1


def test_a_service_does_not_start_with_one_port_for_both() -> None:
    with pytest.raises(ValidationError, match="INTERNAL_PORT: 8005 is HTTP_PORT too; give it a port of its own"):
        settings(http_port=8005, internal_port=8005)


def test_a_port_that_is_taken_is_named() -> None:
    port = free_port()
    with bind(HOST, port) as taken:
        taken.listen()
        with pytest.raises(OSError, match=f"cannot listen on {HOST}, port {port}"):
            bind(HOST, port)


class _Nothing:
    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        return None
