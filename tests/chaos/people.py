"""What the shops' workflows wait for: the answer of an employee, and another version. Both come while services die."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chaos.audit import Deed
from chaos.callers import Json
from chaos.shop import Shop
from local_stack.apply import read

CONSENT, PROMISE = "consent", "promise"
"""The workflows."""
BRANCH = {"approve": "granted", "reject": "declined"}
"""The task that each answer leads to."""
PROMISED, KEPT = "promised", "kept"
"""The tasks of the first version, and of the one that its runs are moved to."""
TASKS = (*BRANCH.values(), PROMISED, KEPT)
LATER = Path(__file__).parent / "documents/later/promise.yaml"
PATIENCE_S = 600.0
LOOK_EVERY_S = 2.0


async def vote(shop: Shop, item: str) -> None:
    """The employee approves and rejects in the same moment; only one of the answers may count.

    Goes on after minutes without an assignment: what is not asked is for the audit to find.
    """
    one = await _first(shop, "/v1/assignments", item_id=item, workflow=CONSENT)
    if one is None:
        return
    path, seen = f"/v1/assignments/{one['id']}/answer", {"If-Match": f'"{one["version"]}"'}
    answers = await asyncio.gather(
        *(
            shop.head.send("POST", "rule-engine", path, [409, 412], json={"choice": choice}, headers=seen)
            for choice in BRANCH
        )
    )
    counted = [choice for choice, answer in zip(BRANCH, answers, strict=True) if answer.is_success]
    shop.asked.votes[one["id"]] = counted


async def _first(shop: Shop, path: str, **query: str) -> Json | None:
    """The first of a list, as soon as there is one."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        items: list[Json] = (await shop.head.get("rule-engine", path, limit="1", **query))["items"]
        if items:
            return items[0]
        await asyncio.sleep(LOOK_EVERY_S)
    return None


async def publish_later(shop: Shop) -> None:
    """The version that does otherwise, as soon as something waits in the first one."""
    path = f"/v1/workflows/{PROMISE}"
    await _first(shop, f"{path}/runs")
    (document,) = read(LATER, {})
    await shop.head.send("PUT", "rule-engine", path, json=document.spec)


async def move_runs(shop: Shop, key: str) -> None:
    """All that wait go on in the newest version; returns when all have been looked at, or after minutes."""
    path, deadline = f"/v1/workflows/{PROMISE}/migrations", time.monotonic() + PATIENCE_S
    made = await shop.head.post("rule-engine", path, {"dry_run": False}, key)
    while time.monotonic() < deadline:
        if (await shop.head.get("rule-engine", f"{path}/{made['id']}"))["status"] == "done":
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def read_deeds(shop: Shop, items: Sequence[Json], tasks: Mapping[tuple[str, str], int]) -> list[Deed]:
    """`items` are the deals, `tasks` how many there are by item and what they are called."""
    everybody = {"everybody": "true", "workflow": CONSENT}
    assignments = [
        one
        for state in ("open", "answered", "withdrawn")
        async for one in shop.head.list("rule-engine", "/v1/assignments", state=state, **everybody)
    ]
    runs = [one async for one in shop.head.list("rule-engine", f"/v1/workflows/{PROMISE}/runs")]
    path = f"/v1/workflows/{PROMISE}/migrations"
    migrations = [one["id"] async for one in shop.head.list("rule-engine", path)]
    moved = [
        one["run_id"]
        for id in migrations
        async for one in shop.head.list("rule-engine", f"{path}/{id}/runs", moves="true")
    ]
    ids = [one["id"] for one in items]
    return [*consents(ids, assignments, shop.asked.votes, tasks), *promises(ids, runs, moved, tasks)]


def consents(
    items: Sequence[str],
    assignments: Sequence[Mapping[str, Any]],
    confirmed: Mapping[str, Sequence[str]],
    tasks: Mapping[tuple[str, str], int],
) -> Iterator[Deed]:
    """Of every deal one assignment, answered once, as was confirmed; the task of that answer once, the other never."""
    for item in items:
        own = [one for one in assignments if one["item_id"] == item]
        yield Deed(f"somebody was asked about item {item}", len(own))
        choices = [one["answer"]["choice"] for one in own if one["state"] == "answered"]
        yield Deed(f"answers about item {item}", len(choices))
        for one in own:
            for choice in confirmed.get(one["id"], ()):
                yield Deed(f"the answer {choice} about item {item} was confirmed", choices.count(choice))
        for choice, task in BRANCH.items():
            expected = min(1, choices.count(choice))
            yield Deed(f"tasks {task} for item {item}", tasks.get((item, task), 0), expected, is_effect=True)


def promises(
    items: Sequence[str],
    runs: Sequence[Mapping[str, Any]],
    moved: Sequence[str],
    tasks: Mapping[tuple[str, str], int],
) -> Iterator[Deed]:
    """Of every deal one run, which has ended in the second version, moved once at the most, and acted once there."""
    yield Deed("a run was moved while it waited", bool(moved))
    for item in items:
        own = [one for one in runs if one["item_id"] == item]
        ended = sum(one["version"] == 2 and one["outcome"] == "done" for one in own)
        yield Deed(f"runs of {PROMISE} for item {item} that ended in its second version", ended)
        for one in own:
            times = moved.count(one["id"])
            yield Deed(f"run {one['id']} was moved", times, min(times, 1))
        yield Deed(f"tasks {KEPT} for item {item}", tasks.get((item, KEPT), 0), is_effect=True)
        yield Deed(f"tasks {PROMISED} for item {item}", tasks.get((item, PROMISED), 0), 0)
