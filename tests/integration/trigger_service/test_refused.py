"""What was submitted and refused: it can be judged again once, for as long as it is kept."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.kit.clock import new_id
from contracts.messages.entity_commands import CreateItem, MoveItem
from contracts.messages.results import CommandDone, CommandRefused
from integration.trigger_service.harness import FORM, Harness, Tenant

FILLED = {"name": "Client One", "phone": "+49 30 1234567", "product": "oak table"}
HOOK = {"name": "Packed", "type": "webhook", "pipeline": "sales", "stage": "prepayment"}


async def refused_form(harness: Harness, tenant: Tenant, path: str, body: dict[str, Any], before: int = 0) -> str:
    """The arrival of a submission whose item entity-service refused, after so many others."""
    arrival: str = (await tenant.submit(path, body)).json()["arrival_id"]
    command = next(c for c in await tenant.said(CreateItem, before + 1) if c.correlation == arrival)
    await harness.answer(command, CommandRefused(command_id=command.command_id, reason="over the quota"))
    await tenant.verdict(arrival, "refused")
    return arrival


async def retried(tenant: Tenant, arrival: str) -> tuple[int, str]:
    answer = await tenant.call("POST", f"/v1/arrivals/{arrival}/retry", role="operator")
    return answer.status_code, answer.json().get("detail", "")


@pytest.mark.parametrize("changes", [{}, {"phone": "+49 30 7654321"}])
async def test_what_a_later_submission_has_answered_is_not_judged_again(
    harness: Harness, changes: dict[str, str]
) -> None:
    tenant = harness.tenant()
    path: str = (await tenant.put("forms/order", FORM))["path"]
    filled = {**FILLED, "_nonce": tenant.nonce(path)}
    first = await refused_form(harness, tenant, path, filled)
    later = (await tenant.submit(path, filled | changes)).json()["arrival_id"]
    assert later != first
    answered = (409, f"answered already by a later submission: /v1/arrivals/{later}")
    assert await retried(tenant, first) == answered
    command = next(c for c in await tenant.said(CreateItem, 2) if c.correlation == later)
    done = CommandDone(command_id=command.command_id, outputs={"item_id": str(new_id()), "duplicate": False})
    await harness.answer(command, done)
    await tenant.verdict(later, "created")
    assert await retried(tenant, first) == answered


async def test_what_nobody_answered_is_judged_again_though_others_were(harness: Harness) -> None:
    tenant = harness.tenant()
    path: str = (await tenant.put("forms/order", FORM))["path"]
    first = await refused_form(harness, tenant, path, FILLED)
    await tenant.submit(path, FILLED | {"phone": "+49 30 7654321"})
    assert (await retried(tenant, first))[0] == 202


async def test_a_call_that_was_repeated_under_its_key_is_not_judged_again(harness: Harness) -> None:
    tenant = harness.tenant()
    path = (await tenant.put("triggers/packed", HOOK))["webhook_path"]
    key, deal = {"idempotency-key": "k-1"}, harness.entity.add_deal(tenant.id)
    first = (await tenant.post(path, {"item_id": str(deal)}, headers=key)).json()["arrival_id"]
    move = (await tenant.said(MoveItem))[0]
    await harness.answer(move, CommandRefused(command_id=move.command_id, reason="the stage is archived"))
    await tenant.verdict(first, "refused")
    later = (await tenant.post(path, {"item_id": str(deal), "box": 2}, headers=key)).json()["arrival_id"]
    assert await retried(tenant, first) == (409, f"answered already by a later submission: /v1/arrivals/{later}")


async def test_what_was_refused_is_kept_for_some_days_and_what_waits_for_as_long_as_it_takes(harness: Harness) -> None:
    tenant = harness.tenant()
    path: str = (await tenant.put("forms/order", FORM))["path"]
    old = await refused_form(harness, tenant, path, FILLED | {"name": "Old Client"})
    fresh = await refused_form(harness, tenant, path, FILLED | {"name": "Fresh Client"}, before=1)
    waiting = (await tenant.submit(path, FILLED)).json()["arrival_id"]
    ages = "UPDATE submissions SET refused_at = refused_at - $1::interval WHERE arrival_id = $2"
    for arrival, days in ((old, 31), (fresh, 29)):
        await harness.service_environment.sql(ages, timedelta(days=days), UUID(arrival))
    since = "UPDATE arrivals SET received_at = received_at - $1::interval WHERE id = $2"
    await harness.service_environment.sql(since, timedelta(days=90), UUID(waiting))
    await harness.keep_house()
    kept = await harness.service_environment.sql("SELECT arrival_id FROM submissions WHERE tenant_id = $1", tenant.id)
    assert {row["arrival_id"] for row in kept} == {UUID(fresh), UUID(waiting)}
    gone = await tenant.call("GET", f"/v1/arrivals/{old}/submission", role="operator")
    assert gone.status_code == 404
    assert "whose submission is kept" in (await retried(tenant, old))[1]
