"""The load: people who make deals, move them on and back, pay, call; each thing so that a lost answer does no harm."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid5

from chaos.callers import Json
from chaos.expected import Entry, certain_effects
from chaos.people import move_runs, publish_later, vote
from chaos.shop import Shop
from chaos.workshop import Workshop, draws
from local_stack.errors import StackError
from support.rule_examples import EXAMPLES

AT_ONCE = 64
ARRIVED_S = 300.0
SETTLED_S = 600.0
LOOK_EVERY_S = 2.0
SOON = timedelta(minutes=5)

WAYS: Sequence[Sequence[str]] = (
    ("lost",),
    ("offer", "paid", "production", "won"),
    ("offer", "SETTLE", "PAY", "CALL", "STAY"),
    ("SETTLE", "offer", "PAY", "SETTLE", "CALL"),
    ("offer", "new", "offer", "lost"),
    ("offer", "STAY", "paid", "SETTLE", "production"),
    ("production", "offer", "production", "lost"),
    ("paid", "production", "STAY"),
)
"""Where deals go: stages by hand; `PAY` and `CALL` for what triggers move; `STAY` for about as long as rules are
delayed, `SETTLE` until nothing waits to be done. In the end every deal is agreed to, or not, and settles.
"""
AMOUNTS = (50_000, 150_000)
NAMESPACE = UUID("5f8f9b1e-4f0c-4a39-9a8e-4f8a3a0d5c11")


@dataclass(frozen=True)
class Load:
    """How much is done, and who is told of it."""

    effects: int
    people: int
    """At once."""
    told: Callable[[], None]
    """Called for each effect that is certain."""
    goes_on: Callable[[], bool]
    """Whether more is to be begun, however much was."""
    all_begun: Callable[[], None]
    """Called as soon as somebody finds nothing left to begin."""


class Driver:
    """Begins deals and, in turn with them, items of the workshop, if there is one, until they will come to so many
    effects at the least and every rule type has been drawn.
    """

    def __init__(self, shops: Sequence[Shop], workshop: Workshop | None, seed: str, load: Load) -> None:
        self._shops = shops
        self._workshop = workshop
        self._draws = draws(seed)
        self._drawn = 0
        self._seed = seed
        self._load = load
        self._begun = 0
        self._least = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._load.people):
                group.create_task(self._people())
            for shop in self._shops:
                group.create_task(self._move_runs(shop))

    async def _move_runs(self, shop: Shop) -> None:
        """In the midst of it all, and once more when nothing begins any more, for what a planner was just about to
        begin in the old version.
        """
        await self._until(lambda: self._least * 2 >= self._load.effects)
        await publish_later(shop)
        await move_runs(shop, str(uuid5(NAMESPACE, f"{self._seed}/{shop.tenant}/moved")))
        await self._until(lambda: not self._has_more())
        await move_runs(shop, str(uuid5(NAMESPACE, f"{self._seed}/{shop.tenant}/moved again")))

    async def _until(self, reached: Callable[[], bool]) -> None:
        while True:
            if reached():
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _people(self) -> None:
        while self._has_more() or (self._workshop and self._drawn < len(EXAMPLES)):
            if self._workshop:
                await self._play(self._workshop)
            if not self._has_more():
                continue
            self._begun += 1
            shop = self._shops[self._begun % len(self._shops)]
            deal = Deal(shop, f"{self._seed}/{self._begun}", f"d-{self._begun}", self._counts)
            self._least += deal.least()
            await deal.live()
        self._load.all_begun()

    def _has_more(self) -> bool:
        return self._least < self._load.effects or self._load.goes_on()

    async def _play(self, workshop: Workshop) -> None:
        draw = next(self._draws)
        self._drawn += 1
        self._least += draw.least()
        await workshop.enter(draw, str(uuid5(NAMESPACE, f"{self._seed}/workshop/{draw.number}")))
        self._counts(draw.least())

    def _counts(self, effects: int) -> None:
        for _ in range(effects):
            self._load.told()


class Deal:
    """One deal's life; its seed decides everything that is not the services' doing."""

    def __init__(self, shop: Shop, seed: str, title: str, counts: Callable[[int], None]) -> None:
        self._shop = shop
        self._seed = seed
        self._random = Random(seed)
        self._title = title
        self._counts = counts
        self._id = ""
        self._by_form = self._random.random() < 0.25
        self._way, self._haste = self._random.choice(WAYS), self._random.choice((0.0, 1.0, 3.0))
        self._client, self._amount = self._random.choice(shop.contacts), self._random.choice(AMOUNTS)

    def least(self) -> int:
        """How many effects come of it whatever happens on the way."""
        by_hand = ("new", *(step for step in self._way if step.islower()))
        amount = 0 if self._by_form else self._amount
        client = None if self._by_form else UUID(self._client)
        entries = [_entry(UUID(int=0), stage, client, amount) for stage in by_hand]
        return self._by_form + self._way.count("PAY") + sum(self._certain(entry) for entry in entries)

    def _certain(self, entry: Entry) -> int:
        return certain_effects(self._shop.rules, entry, self._shop.clients)

    async def live(self) -> None:
        self._shop.asked.titles.append(self._title)
        self._id = await (self._fill_in_form() if self._by_form else self._create())
        for number, step in enumerate((*self._way, "VOTE", "SETTLE")):
            await asyncio.sleep(self._random.uniform(0, self._haste))
            match step:
                case "STAY":
                    await asyncio.sleep(self._random.uniform(3, 7))
                case "SETTLE":
                    await self._settle()
                case "PAY":
                    await self._pay(number)
                case "CALL":
                    await self._call(number)
                case "VOTE":
                    await vote(self._shop, self._id)
                case stage:
                    await self._move(stage)

    def _key(self, what: object) -> str:
        """The same whenever the same seed does the same."""
        return str(uuid5(NAMESPACE, f"{self._seed}/{what}"))

    async def _create(self) -> str:
        wanted = {
            "kind": "deal",
            "title": self._title,
            "contact_ids": [self._client],
            "responsible_id": self._shop.seller_id,
            "amount": {"amount": self._amount, "currency": "EUR"},
        }
        made = await self._shop.seller.post("entity-service", "/v1/items", wanted, self._key("create"))
        self._entered(made)
        return str(made["id"])

    async def _fill_in_form(self) -> str:
        """The browser sends it twice."""
        number = self._random.randrange(10**7)
        page = await self._shop.visitor.get("trigger-service", self._shop.form)
        await asyncio.sleep(page["min_age_s"])
        answers = {
            "name": "A Visitor",
            "phone": f"+44770{number:07}",
            "email": f"{self._title}@visitors.example",
            "wish": self._title,
            "_nonce": page["nonce"],
        }
        send = [self._shop.visitor.send("POST", "trigger-service", self._shop.form, json=answers) for _ in range(2)]
        first, second = await asyncio.gather(*send)
        assert first.json()["arrival_id"] == second.json()["arrival_id"], "one submission was taken for two"
        arrival = await self._judged(first.json()["arrival_id"])
        assert arrival["verdict"] == "created", f"a form came to {arrival['verdict']}: {arrival['reason']}"
        self._entered(await self._item(arrival["item_id"]), first=True)
        self._counts(1)
        return str(arrival["item_id"])

    async def _judged(self, arrival: str) -> Json:
        deadline = time.monotonic() + ARRIVED_S
        while time.monotonic() < deadline:
            found: Json = await self._shop.seller.get("trigger-service", f"/v1/arrivals/{arrival}")
            if found["verdict"] != "pending":
                return found
            await asyncio.sleep(0.3)
        raise StackError(f"arrival {arrival} has been pending for {ARRIVED_S:.0f} s")

    async def _item(self, id: str) -> Json:
        found: Json = await self._shop.seller.get("entity-service", f"/v1/items/{id}")
        return found

    async def _move(self, stage: str) -> None:
        """A change of what one has read; when somebody else was faster, one reads again."""
        path = f"/v1/items/{self._id}"
        while True:
            read = await self._shop.seller.send("GET", "entity-service", path)
            if read.json()["stage"] == stage:
                self._entered(read.json())
                return
            headers = {"If-Match": read.headers["etag"]}
            answer = await self._shop.seller.send(
                "PUT", "entity-service", f"{path}/stage", [412], json={"stage": stage}, headers=headers
            )
            if answer.is_success:
                self._entered(answer.json())
                return

    def _entered(self, item: Json, *, first: bool = False) -> None:
        """A service has confirmed an entry; the first one of an item that was read later was in `new`."""
        stage, seq = ("new", 1) if first else (item["stage"], item["entry_seq"])
        if (item["id"], seq) in self._shop.asked.entries:
            return
        self._shop.asked.entries.add((item["id"], seq))
        amount = (item["amount"] or {"amount": 0})["amount"]
        self._counts(self._certain(_entry(UUID(item["id"]), stage, UUID(item["contact_ids"][0]), amount)))

    async def _settle(self) -> None:
        """Goes on after minutes, too: what hangs is for the audit to find."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLED_S):
                await self._is_settled()

    async def _is_settled(self) -> None:
        while True:
            if not await self._has_rules_under_way():
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _has_rules_under_way(self) -> bool:
        """Whether automation has not heard of the deal, or has something to do with it soon."""
        path = f"/v1/automation/items/{self._id}"
        view = (await self._shop.seller.send("GET", "rule-engine", path, [404])).json()
        rules = [rule for stage in view.get("stages", []) for entry in stage["entries"] for rule in entry["rules"]]
        soon = (datetime.now(UTC) + SOON).isoformat()
        waiting = any(one["state"] == "waiting" and one["due_at"] < soon for one in rules)
        return not rules or waiting or any(one["state"] in ("planned", "running") for one in rules)

    async def _pay(self, step: int) -> None:
        """The bank calls back twice at once, and again until it was heard."""
        wanted = {"amount": {"amount": 1_000 + step, "currency": "EUR"}}
        path = f"/v1/items/{self._id}/invoices"
        made = await self._shop.seller.post("entity-service", path, wanted, self._key(f"invoice {step}"))
        self._shop.asked.payments.append(made["payment_id"])
        order = wanted["amount"] | {"times": 2, "at_once": True, "callback_url": self._shop.callback}
        while True:
            answer = await self._shop.visitor.post("payments", f"/payments/{made['payment_id']}/pay", order)
            if 204 in answer["calls"]:
                break
            await asyncio.sleep(0.5)
        self._counts(1)

    async def _call(self, step: int) -> None:
        """The workshop calls twice."""
        key, body = self._key(f"call {step}"), {"item_id": self._id}
        first, second = [
            await self._shop.visitor.post("trigger-service", self._shop.webhook, body, key) for _ in range(2)
        ]
        assert first["arrival_id"] == second["arrival_id"], "one call was taken for two"
        self._shop.asked.calls.append(first["arrival_id"])


def _entry(item: UUID, stage: str, client: UUID | None, amount: int) -> Entry:
    """As much of an entry into a stage of sales as effects depend on."""
    at = datetime.now(UTC)
    return Entry("", item, "", "sales", stage, 0, at, client=client, amount=amount)
