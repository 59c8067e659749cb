"""What asking another service comes to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response

from contracts.kit.client import ServiceAwayError, ServiceClient, ServiceRefusalError
from local_stack.ports import free_port
from support.serving import serving


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[ServiceClient]:
    (tmp_path / "probe-service").write_text("a-token\n")
    app = FastAPI()

    @app.api_route("/echo", methods=["GET", "POST"])
    async def echo(request: Request) -> Response:
        headers = [request.headers.get(name, "") for name in ("authorization", "content-type")]
        return Response("|".join([*headers, str(request.query_params), (await request.body()).decode()]))

    @app.get("/answers/{status}")
    async def answers(status: int) -> Response:
        return Response(status_code=status)

    async with serving(app, free_port()) as url:
        made = ServiceClient("probe-service", url, tmp_path)
        yield made
        await made.close()


async def test_it_is_asked_with_the_services_own_token(client: ServiceClient) -> None:
    assert await client.ask("GET", "/echo", params={"a": "b"}) == b"Bearer a-token||a=b|"
    assert await client.ask("POST", "/echo", body="{}") == b"Bearer a-token|application/json||{}"


@pytest.mark.parametrize("status", [401, 403, 429, 502, 503, 504])
async def test_what_passes_is_an_outage(client: ServiceClient, status: int) -> None:
    with pytest.raises(ServiceAwayError, match=f"probe-service answers {status}"):
        await client.ask("GET", f"/answers/{status}")


@pytest.mark.parametrize("status", [302, 400, 404, 409, 422, 500, 501])
async def test_any_other_answer_is_a_refusal(client: ServiceClient, status: int) -> None:
    with pytest.raises(ServiceRefusalError, match=f"answers {status} to GET /answers") as refused:
        await client.ask("GET", f"/answers/{status}")
    assert refused.value.status == status


async def test_a_service_that_is_not_there_is_away(tmp_path: Path) -> None:
    (tmp_path / "probe-service").write_text("a-token")
    nobody = ServiceClient("probe-service", f"http://127.0.0.1:{free_port()}", tmp_path)
    with pytest.raises(ServiceAwayError, match="probe-service cannot be reached: ConnectError"):
        await nobody.ask("GET", "/echo")
    (tmp_path / "probe-service").unlink()
    with pytest.raises(ServiceAwayError, match="the token for probe-service cannot be read: FileNotFoundError"):
        await nobody.ask("GET", "/echo")
    await nobody.close()
