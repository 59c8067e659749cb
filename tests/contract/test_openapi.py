"""What the services serve: the committed documents are what the code says, and no route is open by mistake."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from contract.openapi import OPENAPI, SERVICES, application, files, settings_of
from contracts.service_calls import CALLS
from local_stack.layout import WORKSPACE
from support.serving import ServiceTransport

OPEN = {
    "/health/live",
    "/health/ready",
    "/metrics",
    "/public/receipts/sms",
    "/d/{token}",
    "/d/{token}/pdf",
    "/q/{token}",
    "/q/{token}/image.png",
    "/f/{token}",
    "/hooks/payments/{token}",
    "/hooks/t/{token}",
    "/calendars/{token}",
    "/hooks/carriers/{token}",
}
"""For the platform, or for strangers who hold an unguessable token or sign what they send."""


def test_the_documents_are_committed() -> None:
    for path, text in files().items():
        assert (WORKSPACE / path).read_text() == text, f"{path} is not what the code says: run `make schemas`"
    committed = {path.name for path in (WORKSPACE / OPENAPI).iterdir()}
    assert committed == {f"{service}.json" for service in SERVICES}


@pytest.mark.parametrize("service", SERVICES)
async def test_without_a_token_every_route_is_closed_but_those_meant_for_strangers(service: str) -> None:
    app = application(service)
    transport = ServiceTransport(app, settings_of(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answers = {route: await client.request(*route) for route in routes(app)}
    assert {route: answer.status_code for route, answer in answers.items() if answer.status_code != 401} == {}
    assert answers


@pytest.mark.parametrize("service", SERVICES)
async def test_each_route_is_on_one_listener_and_internal_ones_are_marked(service: str) -> None:
    app, internal = application(service), f"http://service:{settings_of(service).internal_port}"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        for method, path in routes(app):
            inside = path.startswith("/internal/")
            answer = await client.request(method, ("http://service" if inside else internal) + path)
            assert answer.status_code == 404, f"{method} {path}"
    operations = [(path, one) for path, each in app.openapi()["paths"].items() for one in each.values()]
    assert [path for path, one in operations if one.get("x-internal", False) != path.startswith("/internal/")] == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_says_which_role_it_needs_or_which_scope_the_table_of_calls_has(service: str) -> None:
    document, documented = application(service).openapi(), set[str]()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            needed = [role for scheme in operation.get("security", []) for role in scheme["HTTPBearer"]]
            if path in OPEN:
                assert needed == [], f"{method} {path}"
            elif path.startswith("/internal/"):
                asked = f"{method.upper()} {path}"
                scopes = [call.scope for call in CALLS if (call.service, call.route) == (service, asked)]
                assert needed == (scopes or ["platform"]), asked
                documented.add(asked)
            else:
                assert len(needed) == 1, f"{method} {path}"
                assert path.startswith("/v1/")
    assert {call.route for call in CALLS if call.service == service} <= documented


@pytest.mark.parametrize("service", SERVICES)
def test_every_list_is_paged(service: str) -> None:
    document = application(service).openapi()
    lists = {path: each["get"] for path, each in document["paths"].items() if "Page_" in shown(each)}
    assert lists
    for path, operation in lists.items():
        assert {"cursor", "limit"} <= {one["name"] for one in operation["parameters"]}, path


def shown(operations: dict[str, Any]) -> str:
    """The schema of what GET answers, as text."""
    return json.dumps(operations.get("get", {}).get("responses", {}).get("200", {}))


def test_the_page_on_security_has_the_table_of_calls() -> None:
    text = (WORKSPACE / "docs/security.md").read_text()
    rows = re.findall(r"^\| ([a-z, -]+) \| ([a-z-]+) \| `([a-z-]+)` \| `([A-Z]+ /internal/.*)` \|$", text, re.MULTILINE)
    documented = {(frozenset(callers.split(", ")), service, scope, route) for callers, service, scope, route in rows}
    assert documented == {(call.callers, call.service, call.scope, call.route) for call in CALLS}


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of every route that needs a token, its parameters filled with something."""
    for route in iter_route_contexts(app.routes):
        path = route.path
        assert path is not None
        if path not in OPEN:
            yield from ((method, re.sub(r"{[^}]+}", "x", path)) for method in sorted(route.methods or ()))
