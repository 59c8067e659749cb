"""Who may call which route: every route of the table, asked in process. Nothing is connected, so what a route let in
would answer with a defect or an outage, not with 401 or 403.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import iter_route_contexts

from contract.openapi import application, make_application, settings_of
from contracts.kit.internal import is_internal
from contracts.service_calls import CALLS
from local_stack.addresses import SERVICES
from local_stack.credentials import AUDIENCE, ISSUER, Credentials
from security.asking import problem
from security.routes import ADMIN, LADDER, OPEN, PLATFORM, ROUTES, SERVICE, Route, below
from security.tokens import Forger, of_person, of_service
from support.service_environment import call_of

TENANT = UUID(int=7)


@dataclass(frozen=True)
class Doors:
    """All services in this process, and everybody's tokens."""

    clients: Mapping[str, httpx.AsyncClient]
    credentials: Credentials
    forger: Forger

    async def ask(self, service: str, call: str, route: Route, headers: Mapping[str, str]) -> httpx.Response:
        method, path = call.split(" ")
        fillers = iter(route.of)
        path = re.sub(r"{[^}]+}", lambda _: next(fillers), path)
        base = f"http://service:{settings_of(service).internal_port}" if is_internal(path) else "http://service"
        return await self.clients[service].request(method, base + path, headers=dict(headers), json=route.body)

    def person(self, *roles: str) -> dict[str, str]:
        return _bearer(self.credentials.token(roles, TENANT, "ada"))

    def platform(self) -> dict[str, str]:
        return _bearer(self.credentials.platform_token("olga"))

    def caller(self, caller: str, of: str) -> dict[str, str]:
        """A service with a token for another one."""
        return _bearer(self.credentials.service_token(caller, of, 3600))


@pytest_asyncio.fixture(scope="module")
async def doors(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    folder = tmp_path_factory.mktemp("doors") / "credentials"
    credentials = Credentials(folder)
    credentials.prepare(SERVICES)
    trusted = {"auth_jwks_file": credentials.jwks_file, "auth_issuer": ISSUER, "auth_audience": AUDIENCE}
    clients = {
        service: httpx.AsyncClient(transport=httpx.ASGITransport(make_application(service, **trusted)))
        for service in SERVICES
    }
    yield Doors(clients, credentials, Forger(folder))
    for client in clients.values():
        await client.aclose()


EVERY = [(service, call, route) for service, routes in ROUTES.items() for call, route in routes.items()]


@pytest.mark.parametrize("service", ROUTES)
def test_every_route_is_in_the_table(service: str) -> None:
    served = {
        f"{method} {route.path}"
        for route in iter_route_contexts(application(service).routes)
        for method in route.methods or ()
    }
    assert served == ROUTES[service].keys() | OPEN[service]


async def test_a_token_that_is_no_good_opens_nothing(doors: Doors) -> None:
    """Two kinds of such tokens at every route, one of them none at all; the kinds take turns."""

    @cache
    def forged(service: str, scope: str) -> dict[str, dict[str, str]]:
        """For a service that may ask `service` so; for people, without a scope."""
        person = of_person(TENANT, (PLATFORM, ADMIN))
        return doors.forger.useless(of_service(service, scope) if scope else person)

    for turn, (service, call, route) in enumerate(EVERY):
        of_services = route.role == SERVICE
        useless = forged(service, call_of(service, *call.split(" ")).scope) if of_services else forged("", "")
        kinds = list(useless)
        for why in {"nothing", kinds[turn % len(kinds)]}:
            headers = useless[why]
            answer = await doors.ask(service, call, route, headers)
            assert answer.status_code == 401, f"{service} {call}: {why}"
            assert answer.headers["www-authenticate"] == "Bearer"
            assert problem(answer)["title"] == "Unauthorized"


async def test_a_lesser_role_does_not_suffice(doors: Doors) -> None:
    for service, call, route in EVERY:
        others = {PLATFORM: doors.platform(), SERVICE: doors.caller("rule-engine", service)}
        others |= {"people": doors.person(*below(route.role))}
        for other in others.keys() - {route.role}:
            answer = await doors.ask(service, call, route, others[other])
            expected = (403, "Forbidden") if other == "people" and route.role != SERVICE else (401, "Unauthorized")
            assert (answer.status_code, problem(answer)["title"]) == expected, f"{service} {call}: {other}"


async def test_a_service_is_refused_what_the_table_of_calls_does_not_say(doors: Doors) -> None:
    """Whoever asks that service for anything else, and whoever has a token for another one."""
    for call in CALLS:
        route = ROUTES[call.service][call.route]
        for caller in SERVICES:
            if caller not in call.callers:
                answer = await doors.ask(call.service, call.route, route, doors.caller(caller, call.service))
                assert answer.status_code == 403, f"{caller}, {call.route}: {answer.text}"
            for other in set(SERVICES) - {call.service}:
                answer = await doors.ask(call.service, call.route, route, doors.caller(caller, other))
                assert answer.status_code == 401, f"{caller} with a token for {other}, {call.route}"


async def test_a_token_of_a_service_that_names_a_tenant_opens_nothing(doors: Doors) -> None:
    headers = doors.forger.signed(of_service("entity-service", "schema") | {"tenant": str(TENANT)})
    call = "GET /internal/schema/{tenant}"
    answer = await doors.ask("entity-service", call, ROUTES["entity-service"][call], headers)
    assert (answer.status_code, problem(answer)["title"]) == (403, "Forbidden")


async def test_who_names_a_tenant_does_not_pass_for_the_platform(doors: Doors) -> None:
    for service, call, route in EVERY:
        if route.role == PLATFORM:
            answer = await doors.ask(service, call, route, doors.person(ADMIN, PLATFORM))
            assert (answer.status_code, problem(answer)["title"]) == (403, "Forbidden"), call


@pytest.mark.parametrize("role", LADDER)
async def test_a_token_without_a_tenant_is_nobodys(doors: Doors, role: str) -> None:
    answer = await doors.ask("entity-service", "GET /v1/items", Route(role, 401), doors.forger.homeless(role))
    assert (answer.status_code, problem(answer)["detail"]) == (401, "the token names no tenant")


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}
