"""Writes what a step of a run changes: state, rules, decisions, messages, and when to look again.

The one place where a `Step` of the core becomes rows; the planner, `advance_run`, results and operators all use it,
each in its own transaction.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid5

import structlog
from prometheus_client import Counter

from contracts.envelope import Body, Envelope, Record
from contracts.kit import telemetry
from contracts.kit.clock import NewId
from contracts.kit.commands import Commands
from contracts.kit.database import Connection, after_commit
from contracts.kit.outbox import Outbox
from contracts.messages.rule_events import AssignmentChanged
from contracts.topics import COMMS_COMMANDS, ENTITY_COMMANDS, RULE_COMMANDS, RULE_EVENTS
from rule_engine import messages
from rule_engine.domain.execution.assignments import Asked, Moved, Reminded, Withdrawn
from rule_engine.domain.execution.state import State
from rule_engine.domain.execution.step import Step
from rule_engine.store import Store
from rule_engine.store.commands import SentCommand
from rule_engine.store.keyed_runs import KeyOfRuns
from rule_engine.store.runs import Run

logger = structlog.get_logger(__name__)

DECISIONS = Counter("decisions_total", "Decisions of rules", ["type", "state"])
RULE_STATES = Counter("rule_states_total", "Rules that came to a state", ["type", "state"])
OVER_BUDGET = Counter("decisions_over_budget_total", "Decisions that took more work than they may")
COMMANDS_ISSUED = Counter("commands_issued_total", "Commands sent to their owners, each once", ["type"])

LOOK_AGAIN = timedelta(days=30)
"""A run that only a result can go on with is looked at anyway after so long."""


class Recorder:
    """Records steps in the caller's transaction, in which the run is locked."""

    def __init__(
        self, store: Store, outbox: Outbox, answers: Commands, new_id: NewId, result_deadline: timedelta
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._answers = answers
        self._new_id = new_id
        self._result_deadline = result_deadline

    async def record(self, tx: Connection, run: Run, step: Step, now: datetime, *, ran: bool = False) -> Run:
        """Stores the step and returns the run after it; `ran`: it was taken by the run's own execution."""
        await self._store.runs.save(tx, run, step.state, now, telemetry.traceparent())
        await self._store.rule_runs.save(tx, [(run, step.changed)], now)
        await self._store.rule_runs.save_blocks(tx, run, step.blocks, now)
        await self._store.decisions.add(tx, run, step, now, self._new_id)
        await self._send(tx, run, step, now)
        if step.assignments:
            await self._assign(tx, run, step, now)
        if not await self._stays_queued(tx, run, step.state, now):
            await self._set_timer(tx, run, step, now, ran=ran)
        if run.workflow and run.state.outcome is None and step.state.outcome is not None:
            # A start that is waited for has its command's id; without an unfinished command this does nothing.
            await self._answers.finish(tx, run.tenant, messages.workflow_ended(run, step.state))
        after_commit(lambda: _count(run, step))
        return run.after(step.state)

    async def _stays_queued(self, tx: Connection, run: Run, state: State, now: datetime) -> bool:
        """Whether the run stays queued; the end of the one that goes on lets the next one begin."""
        if run.concurrency_key is None or (state.has_begun and not state.finished):
            return False
        keyed = self._store.keyed_runs
        line = await keyed.lock(tx, KeyOfRuns(run.tenant, run.rule_set, run.concurrency_key))
        if not state.finished:
            return run.id in line[1:]
        await keyed.leave(tx, run.tenant, run.id)
        if line[:1] == [run.id] and len(line) > 1:
            await self._store.timers.start_at(tx, line[1], run.tenant, now, ran=False)
        return False

    async def _send(self, tx: Connection, run: Run, step: Step, now: datetime) -> None:
        for emission in step.emissions:
            envelope = telemetry.stamped(messages.rule_command(run, emission, now))
            topic = messages.topic_of(emission.body)
            await self._outbox.put(tx, topic, envelope)
            sent = SentCommand(emission.command_id, topic.name, Record.of(envelope))
            await self._store.commands.add(tx, run, emission.rule.rule_id, sent, now, now + self._result_deadline)
        for cancellation in messages.cancellations(run, step, now):
            sent_command = await self._store.commands.get(tx, run.tenant, cancellation.data.target)
            if sent_command is not None:
                await self._outbox.put(tx, messages.topic_named(sent_command.topic), cancellation)
        await self._outbox.put(tx, ENTITY_COMMANDS, *messages.unlocks(run, step, now))
        await self._outbox.put(tx, RULE_COMMANDS, *messages.stops(run, step, now))
        changes: Sequence[Envelope[Body]] = list(messages.run_changes(run, step, now))
        await self._outbox.put(tx, RULE_EVENTS, *changes)

    async def _assign(self, tx: Connection, run: Run, step: Step, now: datetime) -> None:
        """Employees are told what they are asked for, unless it is withdrawn in the same step."""
        assignments, changes, said = self._store.assignments, step.assignments, list[Envelope[AssignmentChanged]]()
        withdrawn = sorted({one.step for one in changes if isinstance(one, Withdrawn)})
        asked = [one for one in changes if isinstance(one, Asked)]
        added = await assignments.add(tx, run, asked, now)
        said += [messages.assignment_changed(run, one, "given", now) for one in added]
        told = [(one, of.substitute or one.assignee) for one, of in zip(added, asked, strict=True)]
        for change in changes:
            if isinstance(change, Reminded):
                again = await assignments.remind(tx, run, change.step)
                said += [messages.assignment_changed(run, one, "reminded", now) for one in again]
                told += [(one, change.substitutes.get(one.assignee, one.assignee)) for one in again]
            elif isinstance(change, Moved):
                await assignments.move(tx, run, change.step, change.due_at)
        if withdrawn:
            gone = await assignments.withdraw(tx, run, withdrawn, now)
            said += [messages.assignment_changed(run, one, "withdrawn", now) for one in gone]
        await self._outbox.put(tx, RULE_EVENTS, *said)
        for one, to in told:
            if one.step not in withdrawn:
                notice = messages.assignment_notice(run, one, to, uuid5(one.id, f"told/{one.reminders}"), now)
                await self._outbox.put(tx, COMMS_COMMANDS, notice)

    async def _set_timer(self, tx: Connection, run: Run, step: Step, now: datetime, *, ran: bool) -> None:
        if step.state.finished:
            await self._store.timers.finish(tx, run.id, run.tenant, ran=ran)
        elif step.wake_at is not None:
            await self._store.timers.start_at(tx, run.id, run.tenant, step.wake_at, ran=ran)
        else:
            await self._store.timers.await_result(tx, run.id, now + LOOK_AGAIN, ran=ran)


def _count(run: Run, step: Step) -> None:
    OVER_BUDGET.inc(step.over_budget)
    for decision in step.decisions:
        DECISIONS.labels(decision.rule.type, decision.state).inc()
    for emission in step.emissions:
        COMMANDS_ISSUED.labels(emission.body.TYPE).inc()
    for one in step.changed:
        rule = run.program.rules_by_path[one.path]
        RULE_STATES.labels(rule.type, one.state).inc()
        logger.info("rule changed", run_id=run.id, rule_id=rule.rule_id, rule=rule.name, state=one.state)
