"""What tests of assignments share: who is asked, what, and how they look and answer."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
import orjson

from contracts.topics import COMMS_COMMANDS, item_key
from integration.rule_engine.authoring.engine import Deal
from support.shop import SCHEMA, WAREHOUSE

SAM = next(one.id for one in SCHEMA.employees if one.code == "sam")
WES = WAREHOUSE.id
DISCOUNT: dict[str, Any] = {
    "block": "approve",
    "name": "discount",
    "subject": "A discount for {{ item.title }}",
    "text": "10 % on everything",
    "voters": ["sam", "warehouse"],
    "comment_required": "on_rejection",
    "timeout": {"when": "after", "days": 2},
    "branches": [
        {"name": "approved", "blocks": [{"block": "log", "name": "yes", "text": "granted"}]},
        {"name": "rejected", "blocks": [{"block": "log", "name": "no", "text": "{{ steps.discount.comments }}"}]},
    ],
}


async def begin(author: httpx.AsyncClient, deal: Deal, *blocks: Mapping[str, Any]) -> None:
    """A deal on which a workflow of these blocks has begun."""
    body = {"kind": "deal", "autorun": {"on_create": True}, "blocks": blocks, "publish": True}
    saved = await author.put("/v1/workflows/asking", json=body)
    assert saved.status_code == 200, saved.text
    await deal.enters("new")
    await deal.engine.advance(deal.tenant)


async def inbox(employee: httpx.AsyncClient, **asked: Any) -> list[dict[str, Any]]:
    answer = await employee.get("/v1/assignments", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def act(employee: httpx.AsyncClient, one: Mapping[str, Any], what: str = "answer", **body: Any) -> httpx.Response:
    """Sends an answer, or another action, to the version that was read."""
    headers = {"if-match": f'"{one["version"]}"'}
    return await employee.post(f"/v1/assignments/{one['id']}/{what}", json=body, headers=headers)


async def run_of(author: httpx.AsyncClient, deal: Deal) -> dict[str, Any]:
    """The run of the workflow with its journal, after everything that can be done now."""
    await deal.engine.advance(deal.tenant)
    rows = (await author.get("/v1/runs", params={"item_id": str(deal.id)})).json()["items"]
    (run,) = {row["run_id"] for row in rows if row["workflow"]}
    found: dict[str, Any] = (await author.get(f"/v1/runs/{run}")).json()
    return found


def row(run: Mapping[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in run["rules"] if one["name"] == name)
    return found


async def notified(deal: Deal) -> list[UUID]:
    """Whom commands to comms-service tell something, in the order in which they were written."""
    async with deal.engine.database.delivery() as tx:
        rows = await tx.fetch(
            "SELECT value FROM outbox WHERE topic = $1 AND key = $2 ORDER BY id",
            COMMS_COMMANDS.name,
            item_key(deal.tenant, deal.id),
        )
    return [UUID(to) for row in rows for to in orjson.loads(row["value"])["recipients"]]
