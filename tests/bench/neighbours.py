"""From a stage change to its effect beside another tenant, hostile or as busy and harmless: every service a process."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from bench.figures import Row, at_most_times, p50, p99, published
from bench.world import World
from chaos.callers import Caller
from chaos.neighbour import Neighbour, open_neighbour
from chaos.shop import allow_much
from contracts.kit.clock import utc_now
from local_stack.addresses import OFFSETS, Addresses
from local_stack.apply import Services, apply, read
from local_stack.stack import Stack
from local_stack.testing import free_port_base
from support.hostile_params import QUIET
from support.hostility import CONTACT, TENANT
from support.waiting import eventually

SEED = "neighbours"
ROUNDS, ROUND_S = 4, 15.0
MOVES_PER_SECOND = 4
TRIES_PER_SECOND = 2
"""Of the neighbour: about three stage changes, most of them with a rule, and one rule set published, a second."""
WARM_S = 5.0
SETTLED_S = 120.0
RULES = [
    {"name": "call", "type": "create_task", "execution": "parallel", "params": {"name": "Call", "assignee": "seller"}},
    {"name": "greet", "type": "send_sms", "execution": "parallel", "params": {"text": "{{ item.id }}"}},
]


async def measure(world: World) -> list[Row]:
    async with AsyncExitStack() as life:
        stack = await life.enter_async_context(_stack(world))
        tenant = await _open_tenant(stack, life)
        neighbours = {
            kind: await open_neighbour(stack, life, SEED, hostile=kind == "hostile") for kind in ("harmless", "hostile")
        }
        for one in (tenant.tenant, *(neighbour.tenant for neighbour in neighbours.values())):
            await allow_much(stack, one)
        took = await _in_turns(world, tenant, neighbours)
        for kind, neighbour in neighbours.items():
            counts = ", ".join(f"{number} {what}" for what, number in sorted(neighbour.counts.items()))
            world.report.say(f"  the {kind} neighbour: {counts}")
    name, floor, ours = "neighbours: stage change to effect beside a hostile tenant", took["harmless"], took["hostile"]
    return [
        at_most_times(1.5, f"{name}, p99", p99(floor), p99(ours), "ms"),
        published(f"{name}, p50", p50(ours), "ms", p50(floor)),
    ]


@asynccontextmanager
async def _stack(world: World) -> AsyncGenerator[Stack]:
    stack = Stack(world.folder / "stack", Addresses(free_port_base(OFFSETS.values())), world.report)
    try:
        await asyncio.to_thread(stack.up)
        yield stack
    finally:
        await asyncio.to_thread(stack.kill, ["all"])


@dataclass
class Tenant:
    """Whose rules are measured. `moved` says when a stage change of which item was asked for."""

    tenant: UUID
    owner: Caller
    contact: str
    moved: dict[str, datetime] = field(default_factory=dict)

    async def deals(self, count: int) -> list[str]:
        """New ones, in a stage without rules."""
        draft = {"kind": "deal", "title": "A table", "pipeline": "orders", "stage": QUIET}
        rows = [draft | {"contact_ids": [self.contact]}] * count
        return list((await self.owner.post("entity-service", "/v1/items/import", {"items": rows}))["ids"])

    async def move(self, deal: str) -> None:
        self.moved[deal] = utc_now()
        path, headers = f"/v1/items/{deal}/stage", {"If-Match": "*"}
        await self.owner.send("PUT", "entity-service", path, json={"stage": "s0"}, headers=headers)

    async def effects(self, deals: set[str]) -> list[float]:
        """Milliseconds from each stage change to its task and to its SMS, as far as they are there."""
        tasks = [(one["item_id"], one["created_at"]) async for one in self.owner.list("entity-service", "/v1/tasks")]
        messages = await self.owner.get("sms", "/messages")
        found = [*tasks, *((one["text"], one["received_at"]) for one in messages)]
        return [_ms(self.moved[deal], datetime.fromisoformat(at)) for deal, at in found if deal in deals]


def _ms(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() * 1e3


async def _open_tenant(stack: Stack, life: AsyncExitStack) -> Tenant:
    tenant = uuid4()
    token = stack.credentials.token(["admin"], tenant, "owner")
    documents = read(TENANT, {"PAYMENT_SECRET": stack.credentials.secrets.payment_secret})
    with closing(Services(stack.addresses, stack.credentials, tenant, sub="owner")) as services:
        await asyncio.to_thread(apply, documents, services, lambda _, __: None)
    owner = await life.enter_async_context(Caller(stack.addresses, token))
    body = {"pipeline": "orders", "publish": True, "stages": {"s0": {"rules": RULES}}}
    await owner.send("PUT", "rule-engine", "/v1/rule-sets/orders", json=body)
    return Tenant(tenant, owner, (await owner.post("entity-service", "/v1/contacts", CONTACT))["id"])


async def _in_turns(world: World, tenant: Tenant, neighbours: Mapping[str, Neighbour]) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {kind: [] for kind in neighbours}
    with world.report.step("neighbours: stage changes beside a harmless and a hostile tenant", ROUNDS) as done:
        for number in range(ROUNDS):
            for kind in sorted(neighbours, reverse=number % 2 == 1):
                took[kind] += await _round(tenant, neighbours[kind])
            done()
    return took


async def _round(tenant: Tenant, neighbour: Neighbour) -> list[float]:
    """The neighbour is busy before the first stage change; both have settled when the round is over."""
    over = asyncio.Event()
    deals = await tenant.deals(int(ROUND_S * MOVES_PER_SECOND))
    async with asyncio.TaskGroup() as group:
        group.create_task(_be_busy(neighbour, over))
        await asyncio.sleep(WARM_S)
        async with asyncio.TaskGroup() as moves:
            for deal in deals:
                moves.create_task(tenant.move(deal))
                await asyncio.sleep(1 / MOVES_PER_SECOND)
        over.set()
    await eventually(lambda: _all_there(tenant, deals), "all effects of the stage changes", SETTLED_S)
    await eventually(lambda: _settled(neighbour), "the end of the neighbour's rules", SETTLED_S)
    return await tenant.effects(set(deals))


async def _be_busy(neighbour: Neighbour, until: asyncio.Event) -> None:
    """So many tries a second, however long each takes."""
    async with asyncio.TaskGroup() as group:
        while not until.is_set():
            group.create_task(neighbour.try_something())
            await asyncio.sleep(1 / TRIES_PER_SECOND)


async def _all_there(tenant: Tenant, deals: list[str]) -> bool:
    return len(await tenant.effects(set(deals))) == len(RULES) * len(deals)


async def _settled(neighbour: Neighbour) -> bool:
    return not await neighbour.unfinished()
