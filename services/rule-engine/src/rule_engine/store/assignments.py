"""Assignments that workflows give to employees. Whoever writes one has locked its run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.http import Newest
from contracts.kit.rows import insert
from rule_engine.domain.execution.assignments import Answer, Ask, Asked
from rule_engine.store.runs import Run

AssignmentState = Literal["open", "answered", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one employee is asked for by one block of a run."""

    id: UUID
    run_id: UUID
    step: int
    item_id: UUID
    workflow: str
    block: str
    asked: UUID
    """Who was asked at first."""
    assignee: UUID
    """Who is to answer: somebody else once it was delegated."""
    ask: Ask
    due_at: datetime | None
    state: AssignmentState
    answer: Answer | None
    answered_by: str | None
    reminders: int
    version: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which assignments a list shows."""

    state: AssignmentState
    assignees: Sequence[UUID] | None = None
    """Those of these employees; null: of all."""
    item: UUID | None = None
    workflow: str | None = None


class Assignments:
    """Statements on `assignments`."""

    async def add(self, tx: Connection, run: Run, asked: Sequence[Asked], now: datetime) -> list[Assignment]:
        """Records new ones, and returns them."""
        made = [_new(run, one, now) for one in asked]
        await insert(tx, "assignments", *(_row(run.tenant, one) for one in made))
        return made

    async def remind(self, tx: Connection, run: Run, step: int) -> list[Assignment]:
        """Counts a reminder of those that are open, and returns them."""
        rows = await tx.fetch(
            """UPDATE assignments SET reminders = reminders + 1
               WHERE tenant_id = $1 AND run_id = $2 AND step = $3 AND state = 'open' RETURNING *""",
            run.tenant,
            run.id,
            step,
        )
        return [_assignment(row) for row in rows]

    async def move(self, tx: Connection, run: Run, step: int, due_at: datetime) -> None:
        """Those that are open are due at another moment."""
        await tx.execute(
            """UPDATE assignments SET due_at = $4, version = version + 1
               WHERE tenant_id = $1 AND run_id = $2 AND step = $3 AND state = 'open'""",
            run.tenant,
            run.id,
            step,
            due_at,
        )

    async def withdraw(self, tx: Connection, run: Run, steps: Sequence[int], now: datetime) -> list[Assignment]:
        """Ends those that are open, and returns them."""
        rows = await tx.fetch(
            """UPDATE assignments SET state = 'withdrawn', ended_at = $4, version = version + 1
               WHERE tenant_id = $1 AND run_id = $2 AND step = ANY ($3) AND state = 'open' RETURNING *""",
            run.tenant,
            run.id,
            steps,
            now,
        )
        return [_assignment(row) for row in rows]

    async def open_of_all(self, tx: Connection) -> tuple[int, datetime | None]:
        """How many of all tenants are open, and since when the oldest is, as the delivery role."""
        row = await tx.fetchrow("SELECT count(*), min(created_at) AS oldest FROM assignments WHERE state = 'open'")
        assert row is not None  # noqa: S101 - a count always is
        return row["count"], row["oldest"]

    async def get(self, tx: Connection, tenant: UUID, id: UUID) -> Assignment | None:
        row = await tx.fetchrow("SELECT * FROM assignments WHERE tenant_id = $1 AND id = $2", tenant, id)
        return None if row is None else _assignment(row)

    async def answer(  # noqa: PLR0913 - the columns of an answer
        self, tx: Connection, tenant: UUID, id: UUID, answer: Answer, by: str, now: datetime
    ) -> Assignment:
        """Ends it with an answer."""
        row = await tx.fetchrow(
            """UPDATE assignments SET state = 'answered', answer = $3, answered_by = $4, ended_at = $5,
                   version = version + 1
               WHERE tenant_id = $1 AND id = $2 RETURNING *""",
            tenant,
            id,
            answer.model_dump(mode="json"),
            by,
            now,
        )
        assert row is not None  # noqa: S101 - the caller has read it in this transaction
        return _assignment(row)

    async def delegate(self, tx: Connection, tenant: UUID, id: UUID, to: UUID) -> Assignment:
        """Gives it to another employee."""
        row = await tx.fetchrow(
            """UPDATE assignments SET assignee = $3, version = version + 1
               WHERE tenant_id = $1 AND id = $2 RETURNING *""",
            tenant,
            id,
            to,
        )
        assert row is not None  # noqa: S101 - the caller has read it in this transaction
        return _assignment(row)

    async def is_asked(self, tx: Connection, one: Assignment, tenant: UUID, employee: UUID) -> bool:
        """Whether the block that asks for this asks, or has asked, the employee too."""
        found: bool = await tx.fetchval(
            """SELECT EXISTS (SELECT FROM assignments
                   WHERE tenant_id = $1 AND run_id = $2 AND step = $3 AND assignee = $4)""",
            tenant,
            one.run_id,
            one.step,
            employee,
        )
        return found

    async def open_of_runs(self, tx: Connection, tenant: UUID, runs: Sequence[UUID]) -> list[tuple[UUID, int, UUID]]:
        """Who is to answer: (run, step, assignee), in the order in which they were asked."""
        rows = await tx.fetch(
            """SELECT run_id, step, assignee FROM assignments
               WHERE tenant_id = $1 AND run_id = ANY ($2) AND state = 'open' ORDER BY created_at, id""",
            tenant,
            runs,
        )
        return [(run, step, assignee) for run, step, assignee in rows]

    async def page(
        self, tx: Connection, tenant: UUID, wanted: Filter, before: Newest | None, limit: int
    ) -> list[Assignment]:
        """The newest first, those after `before`."""
        rows = await tx.fetch(
            """SELECT * FROM assignments
               WHERE tenant_id = $1 AND state = $2 AND ($3::uuid[] IS NULL OR assignee = ANY ($3))
                 AND ($4::uuid IS NULL OR item_id = $4) AND ($5::text IS NULL OR workflow = $5)
                 AND ($6::timestamptz IS NULL OR (created_at, id) < ($6, $7::uuid))
               ORDER BY created_at DESC, id DESC LIMIT $8""",
            tenant,
            wanted.state,
            None if wanted.assignees is None else list(wanted.assignees),
            wanted.item,
            wanted.workflow,
            *(before or (None, None)),
            limit,
        )
        return [_assignment(row) for row in rows]


def _new(run: Run, one: Asked, now: datetime) -> Assignment:
    return Assignment(
        id=one.id_in(run.id),
        run_id=run.id,
        step=one.step,
        item_id=run.item_id,
        workflow=run.rule_set,
        block=run.program.container(one.path).name,
        asked=one.employee,
        assignee=one.employee,
        ask=one.ask,
        due_at=one.ask.due_at,
        state="open",
        answer=None,
        answered_by=None,
        reminders=0,
        version=1,
        created_at=now,
        ended_at=None,
    )


def _row(tenant: UUID, one: Assignment) -> dict[str, Any]:
    columns = {name: getattr(one, name) for name in Assignment.__slots__}
    return columns | {"tenant_id": tenant, "ask": one.ask.model_dump(mode="json")}


def _assignment(row: asyncpg.Record) -> Assignment:
    values = {name: row[name] for name in Assignment.__slots__}
    answer = row["answer"]
    read = {"ask": Ask.model_validate(row["ask"]), "answer": None if answer is None else Answer.model_validate(answer)}
    return Assignment(**{**values, **read})
