"""Every route of every service: who may call it, and that nobody reaches what belongs to another tenant."""

from uuid import uuid4

import pytest
from fastapi.routing import iter_route_contexts

from contract.openapi import application
from contracts.service_calls import CALLS, ServiceCall
from local_stack.addresses import SERVICES
from security.asking import ask, nothing_of, outsider, problem, unchanged
from security.estate import SECRETIVE, Estate
from security.routes import ADMIN, LADDER, OPEN, OUTSIDE, PIPELINE, PLATFORM, ROUTES, SERVICE, Route, below
from security.tokens import of_person, of_service
from security.town import Town
from support.premises import call_of

EVERY = [
    pytest.param(service, call, route, id=f"{service} {call}")
    for service, routes in ROUTES.items()
    for call, route in routes.items()
]
each_route = pytest.mark.parametrize(("service", "call", "route"), EVERY)


@pytest.mark.parametrize("service", ROUTES)
def test_every_route_is_in_the_table(service: str) -> None:
    served = {
        f"{method} {route.path}"
        for route in iter_route_contexts(application(service).routes)
        for method in route.methods or ()
    }
    assert served == ROUTES[service].keys() | OPEN[service]


@each_route
async def test_a_token_that_is_no_good_opens_nothing(estate: Estate, service: str, call: str, route: Route) -> None:
    person = of_person(estate.tenant, (PLATFORM, ADMIN))
    claims = of_service(service, call_of(service, *call.split(" ")).scope) if route.role == SERVICE else person
    async with unchanged(estate):
        for why, headers in estate.town.forger.useless(claims).items():
            answer = await ask(estate, service, call, route, headers)
            assert answer.status_code == 401, why
            assert answer.headers["www-authenticate"] == "Bearer"
            assert problem(answer)["title"] == "Unauthorized"


@each_route
async def test_a_lesser_role_does_not_suffice(estate: Estate, service: str, call: str, route: Route) -> None:
    others = {PLATFORM: estate.town.platform(), SERVICE: estate.town.premises[service].as_caller("rule-engine")}
    others |= {"people": estate.person(*below(route.role))}
    async with unchanged(estate):
        for other in others.keys() - {route.role}:
            answer = await ask(estate, service, call, route, others[other])
            expected = (403, "Forbidden") if other == "people" and route.role != SERVICE else (401, "Unauthorized")
            assert (answer.status_code, problem(answer)["title"]) == expected, other


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.service} {call.route}")
async def test_a_service_may_ask_for_what_the_table_says_and_for_nothing_else(
    estate: Estate, call: ServiceCall
) -> None:
    """Whoever asks that service for anything, and whoever has a token for another one."""
    route, home = ROUTES[call.service][call.route], estate.town.premises[call.service]
    for caller in SERVICES:
        answer = await ask(estate, call.service, call.route, route, home.as_caller(caller))
        expected = route.foreign if caller in call.callers else 403
        assert answer.status_code == expected, f"{caller}: {answer.text}"
        for other in set(SERVICES) - {call.service}:
            elsewhere = estate.town.premises[other].as_caller(caller)
            assert (await ask(estate, call.service, call.route, route, elsewhere)).status_code == 401, caller


async def test_a_token_of_a_service_that_names_a_tenant_opens_nothing(estate: Estate) -> None:
    claims = of_service("entity-service", "schema") | {"tenant": str(estate.tenant)}
    path = f"/internal/schema/{estate.tenant}"
    answer = await estate.town.ask("entity-service", "GET", path, estate.town.forger.signed(claims))
    assert (answer.status_code, problem(answer)["title"]) == (403, "Forbidden")


@each_route
async def test_who_names_a_tenant_does_not_pass_for_the_platform(
    estate: Estate, service: str, call: str, route: Route
) -> None:
    if route.role == PLATFORM:
        async with unchanged(estate):
            answer = await ask(estate, service, call, route, estate.person(ADMIN, PLATFORM))
            assert (answer.status_code, problem(answer)["title"]) == (403, "Forbidden")


@each_route
async def test_the_role_suffices_and_shows_nothing_of_another_tenant(
    estate: Estate, service: str, call: str, route: Route
) -> None:
    needed = outsider(estate, service, call, route.role) if route.role in OUTSIDE else namesake(estate, route.role)
    async with unchanged(estate):
        answer = await ask(estate, service, call, route, needed | {"if-match": "*"})
    assert answer.status_code == route.foreign, answer.text
    assert nothing_of(estate, answer)


@pytest.mark.parametrize("role", LADDER)
async def test_a_token_without_a_tenant_is_nobodys(town: Town, role: str) -> None:
    answer = await town.ask("entity-service", "GET", "/v1/items", town.forger.homeless(role))
    assert (answer.status_code, problem(answer)["detail"]) == (401, "the token names no tenant")


async def test_the_services_of_strangers_open_to_a_guess_no_more_than_to_nothing(town: Town) -> None:
    guess = "x" * 43
    for service, calls in OPEN.items():
        for call in sorted(calls):
            method, path = call.split(" ")
            if "{token}" in path:
                answer = await town.ask(service, method, path.replace("{token}", guess), json={})
                assert answer.status_code == 404, call
    unsigned = await town.ask("comms-service", "POST", "/public/receipts/sms", json={})
    assert unsigned.status_code == 401


async def test_what_a_tenants_own_body_names_is_not_found_among_another_tenants_records(estate: Estate) -> None:
    """The caller's own records, and in the body an id of the other one's."""
    neighbour = await open_neighbour(estate.town)
    ids, item = estate.ids, f"/v1/items/{neighbour.ids['item']}"
    deal = {"kind": "deal", "title": "Mine"}
    async with unchanged(estate):
        for method, path, body in (
            ("POST", "/v1/items", deal | {"contact_ids": [ids["contact"]]}),
            ("POST", "/v1/items", deal | {"company_id": ids["company"]}),
            ("POST", "/v1/items", deal | {"responsible_id": ids["manager"]}),
            ("POST", "/v1/items/import", {"items": [deal | {"contact_ids": [ids["contact"]]}]}),
            ("PATCH", item, {"contact_ids": [ids["contact"]]}),
            ("PATCH", item, {"responsible_id": ids["manager"]}),
            ("PUT", f"{item}/company", {"company_id": ids["company"]}),
            ("POST", f"{item}/tasks", {"name": "Mine", "assignee_id": ids["manager"]}),
            ("POST", f"{item}/tasks", {"name": "Mine", "participants": [ids["manager"]]}),
            ("POST", f"{item}/tasks", {"name": "Mine", "observers": [ids["manager"]]}),
        ):
            answer = await neighbour.ask("entity-service", method, path, body)
            assert answer.status_code == 422, f"{method} {path} {body}: {answer.text}"
            assert nothing_of(estate, answer)


@pytest.mark.parametrize("service", ROUTES)
async def test_another_tenants_dead_letters_are_not_ordered_about(estate: Estate, service: str) -> None:
    stranger = estate.town.person(uuid4(), ADMIN)
    body = {"ids": [estate.id(service, "letter")], "reason": "mine"}
    async with unchanged(estate):
        for order in ("replays", "discards"):
            answer = await estate.town.ask(service, "POST", f"/v1/dead-letters/{order}", stranger, json=body)
            assert (answer.status_code, problem(answer)["title"]) == (404, "Not found")


async def test_lists_asked_for_another_tenants_ids_are_empty(estate: Estate) -> None:
    ids, stranger = estate.ids, estate.town.person(uuid4(), ADMIN)
    for service, path in (
        ("entity-service", f"/v1/items?contact={ids['contact']}"),
        ("entity-service", f"/v1/items?company={ids['company']}"),
        ("entity-service", f"/v1/items?responsible={ids['manager']}"),
        ("entity-service", f"/v1/tasks?assignee={ids['manager']}"),
        ("rule-engine", f"/v1/runs?item_id={ids['item']}"),
        ("trigger-service", f"/v1/arrivals?item_id={ids['item']}"),
        ("doc-service", f"/v1/documents?item_id={ids['printed']}"),
        ("comms-service", f"/v1/messages?item_id={ids['printed']}"),
    ):
        answer = await estate.town.ask(service, "GET", path, stranger)
        assert answer.json()["items"] == [], path


async def test_a_service_reads_another_tenants_file_only_in_its_name(estate: Estate) -> None:
    path, town = f"/internal/files/{estate.ids['file']}", estate.town
    sender = town.service("doc-service", f"GET {path}")
    own = await town.ask("doc-service", "GET", path, sender, params={"tenant": str(estate.tenant)})
    assert own.text == SECRETIVE
    other = await town.ask("doc-service", "GET", path, sender, params={"tenant": str(uuid4())})
    assert other.status_code == 404


def namesake(estate: Estate, *roles: str) -> dict[str, str]:
    """An employee of another tenant who has the same id as one of the estate's."""
    return estate.town.person(uuid4(), *roles, sub=estate.ids["head"])


async def open_neighbour(town: Town) -> Estate:
    """Another tenant with a pipeline, an employee and an item."""
    neighbour = Estate(town, uuid4(), {"head": "ada"})
    await neighbour.put("/v1/tenant", {"name": "Next door"})
    await neighbour.put("/v1/pipelines/sales", PIPELINE)
    ada = (await neighbour.put("/v1/employees/ada", {"first_name": "Ada"}))["id"]
    deal = {"kind": "deal", "title": "Mine", "responsible_id": ada}
    neighbour.ids["item"] = (await neighbour.make("entity-service", "/v1/items", deal))["id"]
    return neighbour
