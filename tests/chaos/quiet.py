"""When all is done that can be done: nothing pending, nothing unread, no rule under way but those meant to wait."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from chaos import topics as kafka
from chaos.callers import Caller, Json
from chaos.neighbour import Neighbour
from local_stack.addresses import SERVICES

PENDING = re.compile(r"^(outbox_pending|work_pending|runs_overdue)(?:\{.*\})? (\S+)$", re.MULTILINE)
LONG = timedelta(hours=1)
TELL_EVERY_S = 10
WAIT = "builtin:wait"
"""The rule set of waits that services asked for, as until the time of a reminder."""


class Tenant(Protocol):
    """One that has people who can see its runs and arrivals."""

    @property
    def seller(self) -> Caller: ...


async def wait_until_quiet(
    tenants: Sequence[Tenant],
    bootstrap: str,
    within_s: float,
    say: Callable[[str], None],
    neighbour: Neighbour | None = None,
) -> dict[str, object]:
    """Returns what is unsettled at the end: nothing, if all is well. Says now and then what it waits for."""
    began = told = time.monotonic()
    calm, unsettled = 0, dict[str, object]()
    while calm < 2 and time.monotonic() - began < within_s:
        unsettled = await look(tenants, bootstrap)
        unsettled |= await _of_neighbour(neighbour) if neighbour else {}
        calm = 0 if unsettled else calm + 1
        if unsettled and time.monotonic() - told > TELL_EVERY_S:
            told = time.monotonic()
            say(f"  waits for {', '.join(f'{what}: {number}' for what, number in unsettled.items())}")
        await asyncio.sleep(0.5)
    return unsettled


async def look(tenants: Sequence[Tenant], bootstrap: str) -> dict[str, object]:
    """What is under way."""
    unsettled: dict[str, object] = {}
    for service in SERVICES:
        metrics = (await tenants[0].seller.send("GET", service, "/metrics")).text
        unsettled |= {f"{service} {name}": value for name, value in PENDING.findall(metrics) if float(value)}
    unsettled |= dict(await kafka.unread(bootstrap))
    for tenant in tenants:
        rules = [await _rules_under_way(tenant), await _arrivals_under_way(tenant)]
        unsettled |= {what: number for found in rules for what, number in found.items() if number}
    return unsettled


async def not_ready(anybody: Caller) -> list[str]:
    """Services whose readiness is not green, with what they say."""
    answers = {service: await anybody.attempt("GET", service, "/health/ready") for service in SERVICES}
    return [
        f"{service} is not ready: {answer.text[:300] if answer is not None else 'no answer'}"
        for service, answer in answers.items()
        if answer is None or not answer.is_success
    ]


async def _of_neighbour(neighbour: Neighbour) -> dict[str, object]:
    unfinished = await neighbour.unfinished()
    return {"rules of the neighbour": len(unfinished)} if unfinished else {}


async def _rules_under_way(tenant: Tenant) -> dict[str, int]:
    found: dict[str, int] = {}
    for state in ("planned", "running"):
        found[f"rules {state}"] = len([one async for one in tenant.seller.list("rule-engine", "/v1/runs", state=state)])
    soon = datetime.now(UTC) + LONG
    waiting = tenant.seller.list("rule-engine", "/v1/runs", state="waiting")
    found["rules waiting"] = len([one async for one in waiting if one["rule_set"] != WAIT and _ends(one, soon)])
    return found


def _ends(waiting: Json, soon: datetime) -> bool:
    """Before `soon`, or when somebody has answered, which all have."""
    return waiting["due_at"] is None or datetime.fromisoformat(waiting["due_at"]) < soon


async def _arrivals_under_way(tenant: Tenant) -> dict[str, int]:
    pending = tenant.seller.list("trigger-service", "/v1/arrivals", verdict="pending")
    return {"arrivals pending": len([one async for one in pending])}
