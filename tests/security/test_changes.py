"""Every change of configuration is recorded with who made it, whichever route makes it."""

from typing import Any
from uuid import uuid4

import pytest

from security.asking import ask
from security.routes import ADMIN, AUTHOR, ROUTES, Route
from security.running_stack import PAYMENT_SECRET
from security.seeded_tenant import SeededTenant

DEFINING = [
    pytest.param(service, call, route, id=f"{service} {call}")
    for service, routes in ROUTES.items()
    for call, route in routes.items()
    if call.startswith("PUT /v1/") and route.role in (AUTHOR, ADMIN)
]


@pytest.mark.parametrize(("service", "call", "route"), DEFINING)
async def test_what_is_put_is_recorded_with_who_and_once(
    seeded_tenant: SeededTenant, service: str, call: str, route: Route
) -> None:
    changer = f"changer-{uuid4()}"
    answer = await ask(
        seeded_tenant,
        service,
        call,
        route,
        seeded_tenant.running_stack.person(seeded_tenant.tenant, ADMIN, sub=changer),
    )
    assert answer.is_success, answer.text
    made = await changes_by(seeded_tenant, service, changer)
    assert made
    assert all(one["after"] != one["before"] and one["fields"] for one in made)
    again = await ask(
        seeded_tenant,
        service,
        call,
        route,
        seeded_tenant.running_stack.person(seeded_tenant.tenant, ADMIN, sub=changer),
    )
    assert again.is_success
    if "secret" not in route.body:  # that is sealed anew, and nobody can tell whether it is the same one
        assert await changes_by(seeded_tenant, service, changer) == made


async def test_by_hand_set_values_and_new_addresses_are_recorded_too(seeded_tenant: SeededTenant) -> None:
    changer = f"changer-{uuid4()}"
    headers = seeded_tenant.running_stack.person(seeded_tenant.tenant, ADMIN, sub=changer)
    for service, call, expected in (
        ("rule-engine", "PUT /v1/variables/{code}/value", ("variable-value", "visits", ["value"])),
        ("trigger-service", "POST /v1/triggers/{code}/rotate", ("webhook-address", "called", ["address"])),
    ):
        assert (await ask(seeded_tenant, service, call, ROUTES[service][call], headers)).is_success
        (made,) = await changes_by(seeded_tenant, service, changer)
        assert (made["kind"], made["code"], made["fields"]) == expected


async def test_a_secret_is_in_no_change_and_in_no_hash(seeded_tenant: SeededTenant) -> None:
    """The same secret in two accounts of one name gives two hashes: nobody can look for a secret by them."""
    answer = await seeded_tenant.running_stack.ask(
        "entity-service", "GET", "/v1/changes?kind=payment-account", seeded_tenant.person(ADMIN)
    )
    assert PAYMENT_SECRET not in answer.text
    for code in ("one", "other"):
        path, body = f"/v1/payment-accounts/{code}", {"name": "Twin", "secret": PAYMENT_SECRET}
        assert (await seeded_tenant.ask("entity-service", "PUT", path, body)).is_success
    twins = [
        (await seeded_tenant.get("entity-service", f"/v1/changes?kind=payment-account&code={code}"))["items"][0][
            "after"
        ]
        for code in ("one", "other")
    ]
    assert twins[0] != twins[1]


async def changes_by(seeded_tenant: SeededTenant, service: str, changer: str) -> list[dict[str, Any]]:
    found = (await seeded_tenant.get(service, "/v1/changes?limit=200"))["items"]
    return [one for one in found if one["changed_by"] == changer]
