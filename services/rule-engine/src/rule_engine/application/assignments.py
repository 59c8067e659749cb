"""Assignments: what a step of a run changes of them, and how employees answer them and pass them on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

import structlog

from contracts.contexts import EmployeeRef
from contracts.envelope import rfc3339
from contracts.issues import Issue
from contracts.kit import telemetry
from contracts.kit.broker import OutageError
from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Connection, Database, after_commit
from contracts.kit.outbox import Outbox
from contracts.messages.rule_events import AssignmentChange
from contracts.topics import COMMS_COMMANDS, RULE_EVENTS
from rule_engine import messages
from rule_engine.application.recorder import Recorder
from rule_engine.domain.errors import EngineError, RunError
from rule_engine.domain.execution import workflows
from rule_engine.domain.execution.assignments import Answer, answers_to, checked
from rule_engine.domain.language.asked import MisfitsError
from rule_engine.gateway import EntityService
from rule_engine.store import Store
from rule_engine.store.assignments import Assignment
from rule_engine.store.runs import Run

logger = structlog.get_logger(__name__)


class NoSuchAssignmentError(EngineError):
    """The tenant has no such assignment, or it is none of the caller's business."""


class SeenOtherVersionError(EngineError):
    """The caller has seen another version than there is now."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the assignment is at version {version} now: read it again and decide anew")
        self.version = version


@dataclass(frozen=True, slots=True)
class Person:
    """Who answers: an employee for themselves and for those who are absent, or an operator for anybody."""

    tenant: UUID
    subject: str
    employee: UUID | None
    operator: bool
    substitute_for: frozenset[UUID] = frozenset()
    """Those who are absent now, and for whom they answer."""

    @property
    def whose(self) -> tuple[UUID, ...]:
        """The employees whose assignments are in their inbox."""
        return tuple(self.substitute_for | {self.employee} if self.employee else self.substitute_for)

    def may_see(self, one: Assignment) -> bool:
        return self.operator or self.employee == one.asked or one.assignee in self.whose

    def may_answer(self, one: Assignment) -> bool:
        return self.operator or one.assignee in self.whose


class AssignmentActions:
    """Each method returns the assignment after it, with the run told in the same transaction. Raises
    `NoSuchAssignmentError`, `RunError` for one that is not open any more or cannot be passed on, `MisfitsError` for a
    wrong answer, and `SeenOtherVersionError`; nothing is changed then. `seen` null matches any version.
    """

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        database: Database,
        store: Store,
        recorder: Recorder,
        outbox: Outbox,
        entity_service: EntityService,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._database = database
        self._store = store
        self._recorder = recorder
        self._outbox = outbox
        self._entity_service = entity_service
        self._clock = clock
        self._new_id = new_id

    async def person(self, tenant: UUID, subject: str, employee: UUID | None, *, operator: bool) -> Person:
        """Who calls. While entity-service is away nobody answers for others."""
        try:
            known = (await self._entity_service.schema(tenant)).employees if employee else ()
        except OutageError:
            logger.warning("substitutes are not known")
            known = ()
        absent = frozenset(one.id for one in known if one.substitute_id == employee)
        return Person(tenant, subject, employee, operator, absent)

    async def answer(self, who: Person, id: UUID, answer: Answer, seen: int | None) -> Assignment:
        """An operator's answer for somebody else is noted with the run."""
        async with self._database.transaction(who.tenant) as tx:
            run, one = await self._lock(tx, who, id, seen)
            given, now = checked(one.ask, answer), self._clock()
            after = await self._store.assignments.answer(tx, who.tenant, id, given, who.subject, now)
            said = given.model_dump(mode="json") | {
                "employee": str(one.assignee),
                "by": who.subject,
                "at": rfc3339(now),
            }
            step = workflows.receive(run.program, run.state, answers_to(one.step), said, now)
            run = await self._recorder.record(tx, run, step, now)
            await self._tell(tx, run, after, "answered", who, now)
            if who.employee != one.assignee:
                await self._note(tx, run, who, f"answer {one.block} for employee {one.assignee}", now)
            after_commit(lambda: _log("assignment answered", one))
            return after

    async def delegate(self, who: Person, id: UUID, to: str, seen: int | None) -> Assignment:
        """`to` is the code or id of an employee. Operators pass on what employees may not. Raises `OutageError` while
        entity-service, which knows them, is away.
        """
        async with self._database.transaction(who.tenant) as tx:
            await self._visible(tx, who, id)
        employee = await self._employee(who.tenant, to)
        async with self._database.transaction(who.tenant) as tx:
            run, one = await self._lock(tx, who, id, seen)
            if not (one.ask.may_delegate or who.operator):
                raise RunError("this assignment cannot be passed on: its workflow does not allow it")
            if await self._store.assignments.is_asked(tx, one, who.tenant, employee.id):
                raise RunError(f"employee {employee.code!r} is asked for the same already: choose another one")
            after, now = await self._store.assignments.delegate(tx, who.tenant, id, employee.id), self._clock()
            await self._note(tx, run, who, f"pass {one.block} on from employee {one.assignee} to {employee.id}", now)
            to_tell = employee.substitute_id or employee.id
            notice = messages.assignment_notice(run, after, to_tell, uuid5(id, f"delegated/{after.version}"), now)
            await self._outbox.put(tx, COMMS_COMMANDS, notice)
            await self._tell(tx, run, after, "delegated", who, now)
            after_commit(lambda: _log("assignment delegated", one))
            return after

    async def _visible(self, tx: Connection, who: Person, id: UUID) -> Assignment:
        found = await self._store.assignments.get(tx, who.tenant, id)
        if found is None or not who.may_see(found):
            raise NoSuchAssignmentError
        return found

    async def _lock(self, tx: Connection, who: Person, id: UUID, seen: int | None) -> tuple[Run, Assignment]:
        """The run, locked, and then the open assignment as it is."""
        found = await self._visible(tx, who, id)
        row = await self._store.runs.get(tx, who.tenant, found.run_id, lock=True)
        one = await self._store.assignments.get(tx, who.tenant, id)
        assert row is not None  # noqa: S101 - the assignment refers to it
        assert one is not None  # noqa: S101 - none is ever deleted
        telemetry.note(item_id=row.item_id, run_id=row.id)
        if one.state != "open":
            raise RunError(f"the assignment is {one.state}: it is not open any more")
        if not who.may_answer(one):
            raise RunError("the assignment was passed on: somebody else answers it now")
        if seen not in (None, one.version):
            raise SeenOtherVersionError(one.version)
        return await self._store.programs.of_run(tx, row), one

    async def _employee(self, tenant: UUID, named: str) -> EmployeeRef:
        schema = await self._entity_service.schema(tenant)
        found = next((one for one in schema.employees if named in (one.code, str(one.id))), None)
        if found is None:
            raise MisfitsError(Issue("to", schema.not_employed(named)))
        return found

    async def _tell(  # noqa: PLR0913 - what is told
        self, tx: Connection, run: Run, one: Assignment, change: AssignmentChange, who: Person, now: datetime
    ) -> None:
        await self._outbox.put(tx, RULE_EVENTS, messages.assignment_changed(run, one, change, now, by=who.subject))

    async def _note(self, tx: Connection, run: Run, who: Person, action: str, now: datetime) -> None:
        await self._store.operator_actions.add(
            tx, run, id=self._new_id(), at=now, subject=who.subject, action=action, rule_id=None
        )


def _log(what: str, one: Assignment) -> None:
    logger.info(what, run_id=one.run_id, assignment_id=one.id)
