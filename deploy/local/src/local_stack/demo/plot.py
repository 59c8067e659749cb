"""What every story rests on: the shop, what was learnt on the way, and the gestures that come again and again."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar
from uuid import uuid4

import httpx

from local_stack.demo.checks import Checks
from local_stack.demo.reading import Reading
from local_stack.demo.shop import Shop
from local_stack.demo.teller import Teller


@dataclass(frozen=True)
class Step:
    """One chapter of a scenario."""

    number: int
    title: str
    play: Callable[[], None]


class Plot(ABC):
    """One client in one shop; ids and moments are filled in as the story goes on.

    `example` is the folder with the shop's documents, `kept` what the story leaves behind to be looked at.

    `interlude` is called whenever something has begun and is not awaited yet: the moment for a disaster. Its argument
    is what has begun: `form`, `documents`, `payment`, `won` or `run now`.
    """

    example: ClassVar[str]
    kept: ClassVar[str]

    def __init__(self, shop: Shop, teller: Teller, interlude: Callable[[str], None] = lambda _: None) -> None:
        self.shop = shop
        self.seen = Reading(shop)
        self.check = Checks(shop.logs, teller)
        self._teller = teller
        self._interlude = interlude
        self._began = datetime.now(UTC)
        self._phone = f"+447700900{uuid4().int % 1000:03}"  # of a range that belongs to nobody
        self._email = f"alex.{uuid4().hex[:8]}@example.com"
        self._won_at = self._began
        self.deal = self.contact = self.company = self.payment = self.trace_id = ""

    @abstractmethod
    def steps(self) -> Sequence[Step]:
        """They are played in their order; each leaves behind what the next ones need."""

    def pages(self) -> Sequence[str]:
        """What can be opened in a browser afterwards."""
        return (self.shop.owner.url("temporal-ui", ""),)

    def _only[T](self, what: str, part: str, found: Sequence[T]) -> T:
        """The one that there is; raises CheckError when there is none, or another."""
        self.check.equal(f"there is one {what}", part, len(found), 1)
        return found[0]

    def _wait_for(self, stage: str, rule: str, state: str) -> None:
        self.check.wait_equal(
            f"rule {rule}: {state}", "rule-engine", lambda: self.seen.state(self.deal, stage, rule), state
        )

    def _waits_until(self, stage: str, rule: str, due: datetime) -> None:
        found = self.seen.rule(self.deal, stage, rule)
        seen = found["state"], datetime.fromisoformat(found["due_at"]).replace(microsecond=0)
        expected = "waiting", due.replace(microsecond=0)
        self.check.equal(f"rule {rule} waits until {due:%F %H:%M:%S} UTC", "rule-engine", seen, expected)

    def _run_now(self, stage: str, rule: str) -> None:
        found = self.seen.rule(self.deal, stage, rule)
        self.shop.head.post("rule-engine", f"/v1/runs/{found['run_id']}/rules/{found['rule_id']}/run-now", {})
        self._teller.say("the head of sales lets the rule run now")
        self._interlude("run now")
        self._wait_for(stage, rule, "done")

    def _move(self, stage: str) -> httpx.Response:
        """The manager moves the deal; the answer, or what is there when the answer to it was lost."""
        response = self._change({"stage": stage}, "PUT", "/stage", done=lambda item: item["stage"] == stage)
        self._teller.say(f"the manager moved the deal to {stage}")
        return response

    def _change(
        self,
        body: dict[str, object],
        method: str = "PATCH",
        path: str = "",
        done: Callable[[dict[str, object]], bool] = lambda _: False,
    ) -> httpx.Response:
        """A change of what one has read; when somebody else was faster, one reads again."""
        manager, item = self.shop.manager, f"/v1/items/{self.deal}"
        while True:
            read = manager.send("GET", "entity-service", item)
            if done(read.json()):
                return read
            headers = {"If-Match": read.headers["etag"]}
            overtaken = httpx.codes.PRECONDITION_FAILED
            answer = manager.send(method, "entity-service", item + path, [overtaken], json=body, headers=headers)
            if answer.status_code != overtaken:
                return answer

    def _keep(self, name: str, content: bytes) -> None:
        self.shop.keepsakes.mkdir(parents=True, exist_ok=True)
        (self.shop.keepsakes / name).write_bytes(content)
