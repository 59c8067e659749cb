"""The workshop, a tenant beside the shops: every rule type's example acts on items of its own.

What the examples say of their item, its client and the effect holds for each item under words of its own, so that every
effect can be told from every other's and counted.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from chaos.callers import Caller
from chaos.expected import Rule, read_rules
from chaos.shop import allow_much
from local_stack.demo.shop import open_shop as open_furniture_shop
from local_stack.stack import Stack
from rule_engine.rules.examples import Example
from support.rule_examples import (
    CLIENT,
    EMAIL,
    EXAMPLE,
    EXAMPLES,
    LAST_NAME,
    PHONE,
    PIPELINE,
    PLANNED,
    ROW,
    TAKEN,
    TITLE,
    deal,
    documents,
    rule_set,
)

DELIVERED = ("send_sms", "send_email")
"""Rule types whose effects leave the services; the peers' lists tell of them, wherever in a chain they are."""
ONE_ROOM = "plan_activity"
"""Its example books one room for one time of one day: whoever comes first gets it, all others are refused."""
GO_AWAY = ("change_stage", "change_pipeline", "delete_item")
"""Whether their item can be taken out of the stage by hand is decided by who is first; they take it out themselves."""
FIRST_DELIVERY = datetime(2031, 1, 8, 8, tzinfo=UTC)
ANY = {"If-Match": "*"}


@dataclass(frozen=True, slots=True)
class Draw:
    """An item: whose example it plays, whether the effect's owner is to refuse, whether it leaves the stage at once."""

    number: int
    type: str
    refused: bool = False
    leaves: bool = False

    @property
    def example(self) -> Example:
        return EXAMPLES[self.type]

    def least(self) -> int:
        """How many effects come of it whatever happens on the way."""
        return 0 if self.refused or self.leaves or self.type == ONE_ROOM else 1

    def own(self, part: Any) -> Any:
        """What an example says, in the words of this item."""
        match part:
            case dict():
                return {key: self.own(value) for key, value in part.items()}
            case list() | tuple():
                return [self.own(value) for value in part]
            case str():
                for word, mine in self._words.items():
                    part = part.replace(word, mine)
        return part

    @property
    def _words(self) -> Mapping[str, str]:
        mail = f"alex{self.number}@client.example"
        return {
            TITLE: f"{TITLE} {self.number}",
            LAST_NAME: f"{LAST_NAME} {self.number}",
            PHONE: f"{PHONE[:-5]}{self.number:05}",
            EMAIL: mail,
        }


def draws(seed: str) -> Iterator[Draw]:
    """Every rule type in turn, in an order that the seed decides; from the second round on some go another way."""
    random, number = Random(f"{seed}/workshop"), 0
    first = True
    while True:
        for type in random.sample(sorted(EXAMPLES), len(EXAMPLES)):
            number += 1
            refused = not first and EXAMPLES[type].refusal is not None and random.random() < 0.3
            leaves = not first and not refused and may_leave(type) and random.random() < 0.3
            yield Draw(number, type, refused, leaves)
        first = False


def may_leave(type: str) -> bool:
    """Whether its effect is the same after the item has left."""
    return type not in GO_AWAY and not EXAMPLES[type].params.get("complete_on_leave")


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """One tenant, audited. `entered` are the items that entered their stages, by id."""

    tenant: UUID
    ids: Mapping[str, str]
    """Employees' by code."""
    seller: Caller
    head: Caller
    rules: Sequence[Rule]
    entered: dict[str, Draw] = field(default_factory=dict)

    def reader(self, code: str) -> Caller:
        return self.head if code == "head_of_sales" else self.seller

    async def enter(self, draw: Draw, key: str) -> None:
        """A deal with a client of its own and a row of products comes into the stage; `key` makes ids of requests."""
        item = await self._create(draw, key)
        path = f"/v1/items/{item}"
        await self.seller.send("PUT", "entity-service", f"{path}/products", json=draw.own({"rows": [ROW]}), headers=ANY)
        for number, planned in enumerate(PLANNED):
            mine = planned | {"responsible_id": self.ids["manager"]}
            await self.seller.post("entity-service", f"{path}/planned-activities", mine, f"{key}/planned {number}")
        self.entered[item] = draw
        await self._move(item, draw.type)
        if draw.leaves:
            await asyncio.sleep(Random(key).uniform(0, 0.5))
            await self._move(item, "elsewhere")

    async def _create(self, draw: Draw, key: str) -> str:
        changes: dict[str, Any] = {"fields": {"delivery": _delivery(draw)}}
        if draw.refused and draw.example.refusal:
            changes |= draw.example.refusal.item
        contacts = []
        if changes.get("contact", True):
            made = await self.seller.post("entity-service", "/v1/contacts", draw.own(CLIENT), f"{key}/client")
            contacts = [made["id"]]
        body = draw.own(deal([], self.ids["manager"], changes)) | {"contact_ids": contacts}
        return str((await self.seller.post("entity-service", "/v1/items", body, f"{key}/item"))["id"])

    async def _move(self, item: str, stage: str) -> None:
        """Once: when an answer is lost, a rule may have moved the item on meanwhile, or deleted it."""
        path, before = f"/v1/items/{item}", 0
        while True:
            read = await self.seller.send("GET", "entity-service", path, [404])
            seq = read.json().get("entry_seq", 0)
            before = before or seq
            if seq != before:
                return
            headers = {"If-Match": read.headers["etag"]}
            answer = await self.seller.send(
                "PUT", "entity-service", f"{path}/stage", [404, 412], json={"stage": stage}, headers=headers
            )
            if answer.is_success:
                return


def _delivery(draw: Draw) -> str:
    """On days of their own, since deliveries need the one van."""
    return (FIRST_DELIVERY + timedelta(days=draw.number)).isoformat()


async def open_workshop(stack: Stack, life: AsyncExitStack) -> Workshop:
    """Raises ApplyError or StackError; `life` closes the callers."""
    with closing(open_furniture_shop(stack)) as shop:
        for service, path, body in documents(stack.credentials.secrets):
            shop.owner.put(service, path, body)
        await allow_much(stack, shop.tenant)

        async def caller(role: str, code: str) -> Caller:
            return await life.enter_async_context(
                Caller(stack.addresses, stack.credentials.token([role], shop.tenant, shop.ids[code]))
            )

        workshop = Workshop(
            tenant=shop.tenant,
            ids=shop.ids,
            seller=await caller("agent", "manager"),
            head=await caller("operator", "head_of_sales"),
            rules=read_workshop_rules(),
        )
    body = deal([], workshop.ids["manager"], {})
    other = await workshop.seller.post("entity-service", "/v1/items", body)
    await workshop.seller.post("entity-service", f"/v1/items/{other['id']}/bookings", TAKEN)
    return workshop


def read_workshop_rules() -> list[Rule]:
    """As the rule set has them, each with the name of its stage."""
    return [
        replace(
            rule,
            name=qualified(rule.stage, rule.name),
            before=tuple(qualified(rule.stage, name) for name in rule.before),
            counted=rule.type in DELIVERED,
            contested=rule.type == ONE_ROOM,
            may_be_refused=rule.name == EXAMPLE,
        )
        for rule in read_rules([rule_set()])
        if rule.pipeline == PIPELINE
    ]


def qualified(stage: str, rule: str) -> str:
    """Names are used again in other stages."""
    return f"{stage}.{rule}"
