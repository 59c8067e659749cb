"""Every route of every service, asked on the running stack: nobody reaches what belongs to another tenant."""

from functools import partial
from uuid import uuid4

import pytest

from contracts.service_calls import CALLS
from security.asking import ask, change_nothing, nothing_of, outsider, unchanged
from security.routes import ADMIN, OPEN, OUTSIDE, PIPELINE, ROUTES, Route
from security.running_stack import RunningStack
from security.seeded_tenant import SECRETIVE, SeededTenant


async def test_a_service_may_ask_for_what_the_table_says(seeded_tenant: SeededTenant) -> None:
    for call in CALLS:
        route, home = ROUTES[call.service][call.route], seeded_tenant.running_stack.service_environment[call.service]
        for caller in call.callers:
            answer = await ask(seeded_tenant, call.service, call.route, route, home.as_caller(caller))
            assert answer.status_code == route.foreign, f"{caller}, {call.route}: {answer.text}"


@pytest.mark.parametrize("service", ROUTES)
async def test_the_role_suffices_and_shows_nothing_of_another_tenant(seeded_tenant: SeededTenant, service: str) -> None:
    async def foreign(call: str, route: Route) -> None:
        needed = (
            outsider(seeded_tenant, service, call, route.role)
            if route.role in OUTSIDE
            else namesake(seeded_tenant, route.role)
        )
        answer = await ask(seeded_tenant, service, call, route, needed | {"if-match": "*"})
        assert answer.status_code == route.foreign, f"{call}: {answer.text}"
        assert nothing_of(seeded_tenant, answer), call

    await change_nothing(
        seeded_tenant, {call: partial(foreign, call, route) for call, route in ROUTES[service].items()}
    )


async def test_the_services_of_strangers_open_to_a_guess_no_more_than_to_nothing(running_stack: RunningStack) -> None:
    guess = "x" * 43
    for service, calls in OPEN.items():
        for call in sorted(calls):
            method, path = call.split(" ")
            if "{token}" in path:
                answer = await running_stack.ask(service, method, path.replace("{token}", guess), json={})
                assert answer.status_code == 404, call
    unsigned = await running_stack.ask("comms-service", "POST", "/public/receipts/sms", json={})
    assert unsigned.status_code == 401


async def test_what_a_tenants_own_body_names_is_not_found_among_another_tenants_records(
    seeded_tenant: SeededTenant,
) -> None:
    """The caller's own records, and in the body an id of the other one's."""
    neighbour = await open_neighbour(seeded_tenant.running_stack)
    ids, item = seeded_tenant.ids, f"/v1/items/{neighbour.ids['item']}"
    deal = {"kind": "deal", "title": "Mine"}
    async with unchanged(seeded_tenant):
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
            assert nothing_of(seeded_tenant, answer)


async def test_lists_asked_for_another_tenants_ids_are_empty(seeded_tenant: SeededTenant) -> None:
    ids, stranger = seeded_tenant.ids, seeded_tenant.running_stack.person(uuid4(), ADMIN)
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
        answer = await seeded_tenant.running_stack.ask(service, "GET", path, stranger)
        assert answer.json()["items"] == [], path


async def test_a_service_reads_another_tenants_file_only_in_its_name(seeded_tenant: SeededTenant) -> None:
    path, running_stack = f"/internal/files/{seeded_tenant.ids['file']}", seeded_tenant.running_stack
    sender = running_stack.service("doc-service", f"GET {path}")
    own = await running_stack.ask("doc-service", "GET", path, sender, params={"tenant": str(seeded_tenant.tenant)})
    assert own.text == SECRETIVE
    other = await running_stack.ask("doc-service", "GET", path, sender, params={"tenant": str(uuid4())})
    assert other.status_code == 404


def namesake(seeded_tenant: SeededTenant, *roles: str) -> dict[str, str]:
    """An employee of another tenant who has the same id as one of the seeded tenant's."""
    return seeded_tenant.running_stack.person(uuid4(), *roles, sub=seeded_tenant.ids["head"])


async def open_neighbour(running_stack: RunningStack) -> SeededTenant:
    """Another tenant with a pipeline, an employee and an item."""
    neighbour = SeededTenant(running_stack, uuid4(), {"head": "ada"})
    await neighbour.put("/v1/tenant", {"name": "Next door"})
    await neighbour.put("/v1/pipelines/sales", PIPELINE)
    ada = (await neighbour.put("/v1/employees/ada", {"first_name": "Ada"}))["id"]
    deal = {"kind": "deal", "title": "Mine", "responsible_id": ada}
    neighbour.ids["item"] = (await neighbour.make("entity-service", "/v1/items", deal))["id"]
    return neighbour
