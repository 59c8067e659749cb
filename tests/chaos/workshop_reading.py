"""Gathers the workshop's world for its audit: its topics' messages, what its people see, what its clients got."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from chaos.audit import Deed, Effect, Outcome, World
from chaos.callers import Caller, Json
from chaos.expected import Clients, Entry
from chaos.heard import Heard
from chaos.peers import Delivery, once, redelivered
from chaos.shown import Seen, deeds, overlaps
from chaos.workshop import Workshop, qualified
from support.rule_examples import PIPELINE

NOBODY = UUID(int=0)
AROUND = timedelta(days=7)
"""The room is booked for the next day."""


async def read_workshop(workshop: Workshop, heard: Heard, deliveries: Sequence[Delivery]) -> World:
    """`heard` is all that was said of its tenant, `deliveries` are those by its commands."""
    names = {rule.name for rule in workshop.rules}
    reader = WorkshopReader(workshop)
    seen = [one async for one in reader.seen()]
    return World(
        rules=workshop.rules,
        clients=Clients(),
        entries=[_with_refusal(entry, workshop) for entry in heard.entries() if entry.pipeline == PIPELINE],
        outcomes=reader.outcomes,
        effects=list(_at_peers(reader.outcomes, once(deliveries))),
        deeds=[*deeds(seen, workshop.ids, await reader.counted()), await reader.bookings()],
        versions=list(heard.versions()),
        said=[one for one in heard.said(lambda data: qualified(data.stage, data.rule)) if one.rule in names],
        caused=heard.caused(),
        mail_redelivered=redelivered(deliveries),
    )


def _with_refusal(entry: Entry, workshop: Workshop) -> Entry:
    draw = workshop.entered.get(str(entry.item))
    return replace(entry, refused=draw is not None and draw.refused)


def _at_peers(outcomes: Sequence[Outcome], deliveries: Sequence[Delivery]) -> Iterator[Effect]:
    by_command = {one.command: one for one in outcomes if one.command}
    for one in deliveries:
        outcome = by_command.get(one.command)
        item, rule = (outcome.item, outcome.rule) if outcome else (NOBODY, "nobody")
        yield Effect(one.where, item, rule, one.command)


class WorkshopReader:
    """What the workshop's people can see; `outcomes` fill while it reads the items."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._answers: dict[tuple[str, str, str], Any] = {}
        self.outcomes: list[Outcome] = []

    async def seen(self) -> AsyncIterator[Seen]:
        for item, draw in self._workshop.entered.items():
            states = {}
            async for outcome in self._outcomes(item):
                self.outcomes.append(outcome)
                states[outcome.rule.removeprefix(qualified(draw.type, ""))] = outcome.state, outcome.reason
            effect = draw.example.effect
            whole = "items" in (draw.example.shows or draw.example.lacks)
            path = draw.own(effect.get).format(item=item)
            yield Seen(draw, item, states, await self._answer(effect.reader, effect.service, path, whole=whole))

    async def _outcomes(self, item: str) -> AsyncIterator[Outcome]:
        caller = self._workshop.seller
        view: Json = (await caller.send("GET", "rule-engine", f"/v1/automation/items/{item}", [404])).json()
        for stage in view.get("stages", []):
            for entry in stage["entries"]:
                for rule in entry["rules"]:
                    yield Outcome(
                        item=UUID(item),
                        seq=entry["entry_seq"],
                        rule=qualified(stage["stage"], rule["name"]),
                        state=rule["state"],
                        reason=rule["reason"],
                        run=UUID(rule["run_id"]),
                        command=rule["command_id"],
                    )

    async def _answer(self, reader: str, service: str, path: str, *, whole: bool) -> Any:
        """Lists of the whole tenant are read once, all their pages."""
        place = (reader, service, path)
        if place not in self._answers:
            self._answers[place] = await _read(self._workshop.reader(reader), service, path, whole=whole)
        return self._answers[place]

    async def counted(self) -> int:
        found = await self._workshop.seller.get("rule-engine", "/v1/variables/deals_seen/value")
        return int(found["value"])

    async def bookings(self) -> Deed:
        now = datetime.now(UTC)
        span = {"from": (now - AROUND).isoformat(), "to": (now + AROUND).isoformat()}
        bookings = self._workshop.seller.list("entity-service", "/v1/rooms/oak/bookings", **span)
        return Deed("overlapping bookings of the room", overlaps([one async for one in bookings]), 0)


async def _read(caller: Caller, service: str, path: str, *, whole: bool) -> Any:
    parts = urlsplit(path)
    query = dict(parse_qsl(parts.query))
    if whole:
        return {"items": [one async for one in caller.list(service, parts.path, **query)]}
    return (await caller.send("GET", service, parts.path, [404], params=query)).json()
