"""Judges submissions that need another service's answer first, and deletes what is old."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from contracts.contexts import ItemContext
from contracts.kit import telemetry
from contracts.kit.client import ServiceRefusalError
from contracts.kit.clock import Clock
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Connection, Database
from contracts.kit.errors import RetryLaterError
from contracts.kit.worker import Task
from trigger_service.domain.answers import person
from trigger_service.domain.forms import Form
from trigger_service.domain.triggers import Trigger
from trigger_service.gateways.entity import EntityService
from trigger_service.intake import Intake
from trigger_service.store import arrivals, deduplication, forms, triggers
from trigger_service.store.arrivals import Arrival

SEEN_FOR = timedelta(days=30)
RATES_FOR = timedelta(days=2)
"""Longer than the longest window that posts are counted in."""


class _Submission(NamedTuple):
    arrival: Arrival
    code: str
    content: dict[str, Any]


class Jobs:
    """One pair of methods per kind of submission: judging it, and giving it up.

    While entity-service is away no attempt counts: such work is tried again for as long as it takes. What it refuses to
    answer may be a defect that is repaired soon: it is asked again, a few times.
    """

    def __init__(self, database: Database, intake: Intake, entity: EntityService) -> None:
        self._database = database
        self._intake = intake
        self._entity = entity

    async def judge_form(self, task: Task) -> None:
        async with self._database.transaction(task.tenant) as tx:
            submission, form = await _form_submission(tx, task)
        items = await self._open_items(task.tenant, form, submission)
        async with self._database.transaction(task.tenant) as tx:
            if await task.complete(tx):
                await self._intake.forms.judge(tx, submission.arrival, form, submission.content, items)

    async def _open_items(self, tenant: UUID, form: Form, submission: _Submission) -> Sequence[ItemContext]:
        """The client's items in open stages, oldest first."""
        client = person(form.spec, submission.content)
        if client is None or not (client.phone or client.email):
            return []
        with _retried_later():
            ids = await self._entity.open_items(tenant, client.phone, client.email)
            contexts = await self._entity.contexts((tenant, item) for item in ids)
        items = [one for one in contexts.values() if isinstance(one, ItemContext)]  # one too large is not looked at
        still_open = [c for c in items if c.stage is None or c.stage.outcome == "open"]
        return sorted(still_open, key=lambda context: context.item.created_at)

    async def create_anyway(self, task: Task, _: str) -> None:
        """A submission that cannot be judged becomes an item, so that nobody who filled in a form is lost."""
        async with self._database.transaction(task.tenant) as tx:
            submission, form = await _form_submission(tx, task)
            if await task.complete(tx):
                await self._intake.forms.judge(tx, submission.arrival, form, submission.content, [])

    async def judge_call(self, task: Task) -> None:
        async with self._database.transaction(task.tenant) as tx:
            submission = await _submission(tx, task)
            trigger = await _trigger(tx, task, submission.code)
        key = (task.tenant, _item(submission.arrival))
        with _retried_later():
            context = (await self._entity.contexts([key])).get(key)
        async with self._database.transaction(task.tenant) as tx:
            if await task.complete(tx):
                await self._intake.webhooks.judge(tx, submission.arrival, trigger, submission.content, context)

    async def give_up_call(self, task: Task, reason: str) -> None:
        async with self._database.transaction(task.tenant) as tx:
            submission = await _submission(tx, task)
            if await task.complete(tx):
                await self._intake.arrivals.give_up(tx, submission.arrival, reason)


@contextmanager
def _retried_later() -> Iterator[None]:
    try:
        yield
    except ServiceRefusalError as error:
        raise RetryLaterError(str(error)) from error


async def _form_submission(tx: Connection, task: Task) -> tuple[_Submission, Form]:
    submission = await _submission(tx, task)
    form = await forms.find(tx, task.tenant, submission.code)
    if form is None:
        raise LookupError(f"no form {submission.code!r}: forms are archived, never deleted")
    return submission, form


async def _submission(tx: Connection, task: Task) -> _Submission:
    arrival = await arrivals.get(tx, task.tenant, task.id)
    submitted = await arrivals.submission(tx, task.tenant, task.id)
    if arrival is None or submitted is None:
        raise LookupError(f"no submission {task.id}: it is kept until its work had its effect")
    telemetry.note(arrival_id=arrival.id, item_id=arrival.item_id)
    return _Submission(arrival, *submitted)


async def _trigger(tx: Connection, task: Task, code: str) -> Trigger:
    trigger = await triggers.find(tx, task.tenant, code)
    if trigger is None:
        raise LookupError(f"no trigger {code!r}: triggers are archived, never deleted")
    return trigger


def _item(arrival: Arrival) -> UUID:
    if arrival.item_id is None:
        raise LookupError(f"arrival {arrival.id} names no item")
    return arrival.item_id


class Housekeeping:
    """Deletes hashes that no repeat needs any more, and submissions that were refused longer ago than they are kept."""

    def __init__(self, database: Database, clock: Clock, submissions_for: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._submissions_for = submissions_for

    async def run(self) -> None:
        while True:
            with suppress(*INFRASTRUCTURE_ERRORS):
                await self.once()
            await asyncio.sleep(3600)

    async def once(self) -> None:
        now = self._clock()
        async with self._database.delivery() as tx:
            await deduplication.forget(tx, now - SEEN_FOR, now - RATES_FOR)
            await arrivals.forget_refused(tx, now - self._submissions_for)
