"""The rule engine's other tables: heads, entries, runs, commands under way, rule sets. Same statements, in memory.

A transaction is a step: what it writes is there at once, and a process is never killed inside it.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import cast
from uuid import UUID

from contracts.kit.database import Connection, Database
from rule_engine.application.open_runs import OpenRuns
from rule_engine.domain.execution.planning import Head, PlannedEntry
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import Execution, State
from rule_engine.domain.execution.step import Decision, Step
from rule_engine.store.commands import Commands, SentCommand
from rule_engine.store.decisions import Decisions
from rule_engine.store.entries import Entries, ItemKey
from rule_engine.store.operator_actions import OperatorActions
from rule_engine.store.rule_runs import RuleRuns
from rule_engine.store.rule_sets import ForEntries, RuleSets
from rule_engine.store.runs import Run, RunRow, Runs
from rule_engine.store.workflows import InForce, Workflows
from simulation.kafka import Message
from simulation.steps import pause
from simulation.timers import SimulatedTimers

TX = cast(Connection, None)
RULE_SET = "sales"


class SimulatedDatabase(Database):
    """Transactions with a pause before and after: whoever commits may be killed before it knows."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check

    @asynccontextmanager
    async def transaction(self, *tenants: UUID) -> AsyncGenerator[Connection]:
        await pause()
        yield TX
        self._check()
        await pause()

    @asynccontextmanager
    async def delivery(self) -> AsyncGenerator[Connection]:
        async with self.transaction() as tx:
            yield tx


class SimulatedOpenRuns(OpenRuns):
    """Nobody has a limit."""

    async def refusals(self, tx: Connection, tenants: Collection[UUID]) -> dict[UUID, str]:
        return {}


class SimulatedInbox:
    """Which messages were taken in."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def unseen(self, messages: Iterable[Message]) -> list[Message]:
        """Marks all of them and returns the new ones, each once."""
        new: dict[tuple[str, str], Message] = {}
        for message in messages:
            if (message.source, message.id) not in self._seen:
                new.setdefault((message.source, message.id), message)
        self._seen.update(new)
        return list(new.values())

    def forget(self) -> None:
        """Everything is too old to be remembered."""
        self._seen.clear()


class SimulatedEntries(Entries):
    """`item_heads` and `entries`, by item and by the id of the event."""

    def __init__(self) -> None:
        self.heads: dict[ItemKey, Head] = {}
        self.rows: dict[UUID, PlannedEntry] = {}

    async def lock_heads(self, tx: Connection, items: Iterable[ItemKey]) -> dict[ItemKey, Head]:
        return {item: replace(self.heads.setdefault(item, Head())) for item in sorted(set(items))}

    async def save_heads(self, tx: Connection, heads: Mapping[ItemKey, Head]) -> None:
        self.heads |= heads

    async def known(self, tx: Connection, ids: Sequence[UUID]) -> set[UUID]:
        return {id for id in ids if id in self.rows}

    async def add(self, tx: Connection, entries: Sequence[PlannedEntry], traces: Mapping[str, str | None]) -> None:
        for entry in entries:
            self.rows.setdefault(UUID(entry.event.id), entry)

    async def leave(self, tx: Connection, left: Sequence[tuple[UUID, UUID, int, datetime, str]]) -> None:
        for _, item, entry_seq, at, reason in left:
            for entry in self.rows.values():
                data = entry.event.data
                if data.item.id == item and data.entry_seq < entry_seq and entry.left is None:
                    entry.left = (at, reason)


class SimulatedRuns(Runs):
    """`runs`. `taken_back` collects the commands that a state said were being taken back."""

    def __init__(self, timers: SimulatedTimers, commands: "SimulatedCommands") -> None:
        self._timers = timers
        self._commands = commands
        self.rows: dict[UUID, Run] = {}
        self.taken_back: set[UUID | None] = set()

    async def get(self, tx: Connection, tenant: UUID, run_id: UUID, *, lock: bool = False) -> RunRow | None:
        return self.rows.get(run_id)

    async def lock_open_of_items(self, tx: Connection, items: Sequence[tuple[UUID, UUID]]) -> list[RunRow]:
        wanted = [item for _, item in items]
        found = [row for row in self.rows.values() if row.item_id in wanted and not row.finished]
        return sorted(found, key=lambda row: row.id)

    async def lock_by_commands(self, tx: Connection, commands: Sequence[tuple[UUID, UUID]]) -> dict[UUID, RunRow]:
        sent = self._commands.rows
        return {id: self.rows[sent[id][0]] for _, id in commands if id in sent}

    async def add(self, tx: Connection, runs: Sequence[Run], now: datetime) -> None:
        for run in runs:
            self.rows.setdefault(run.id, replace(run, stored_state=run.state.stored()))

    async def save(self, tx: Connection, run: Run, state: State, now: datetime, traceparent: str | None) -> None:
        self.rows[run.id] = replace(self.rows[run.id].after(state), stored_state=state.stored(), updated_at=now)
        self._timers.writes += 1
        self.taken_back.update(one.command_id for one in state.executions.values() if one.cancelling or one.retry_after)


class SimulatedRuleRuns(RuleRuns):
    """A copy of the states for people; nothing decides by it."""

    async def save(self, tx: Connection, changed: Iterable[tuple[Run, Sequence[Execution]]], now: datetime) -> None:
        pass


class SimulatedDecisions(Decisions):
    """`decisions`, in the order in which they were made."""

    def __init__(self) -> None:
        self.rows: list[tuple[Run, Decision]] = []

    async def add(self, tx: Connection, run: Run, step: Step, now: datetime, new_id: Callable[[], UUID]) -> None:
        self.rows += [(run, decision) for decision in step.decisions]


class SimulatedCommands(Commands):
    """`sent_commands`, by id; `on_command` hears of every new one."""

    def __init__(self, timers: SimulatedTimers, on_command: Callable[[Run, str, SentCommand, datetime], None]) -> None:
        self._timers = timers
        self._on_command = on_command
        self.rows: dict[UUID, tuple[UUID, SentCommand]] = {}

    async def add(
        self, tx: Connection, run: Run, rule_id: str, sent: SentCommand, now: datetime, ask_again_at: datetime
    ) -> None:
        self._on_command(run, rule_id, sent, now)
        self.rows[sent.id] = (run.id, sent)
        self._timers.deadline_rows[sent.id] = (run.tenant, ask_again_at)

    async def get(self, tx: Connection, tenant: UUID, command_id: UUID) -> SentCommand | None:
        _, sent = self.rows.get(command_id, (None, None))
        return sent

    async def delete(self, tx: Connection, tenant: UUID, command_id: UUID) -> None:
        self.rows.pop(command_id, None)
        self._timers.deadline_rows.pop(command_id, None)


class SimulatedOperatorActions(OperatorActions):
    """`operator_actions`; `on_action` hears of every one."""

    def __init__(self, on_action: Callable[[Run, str, str | None, datetime], None]) -> None:
        self._on_action = on_action

    async def add(  # noqa: PLR0913 - as the statement's
        self, tx: Connection, run: Run, *, id: UUID, at: datetime, subject: str, action: str, rule_id: str | None
    ) -> None:
        self._on_action(run, action, rule_id, at)


class SimulatedWorkflows(Workflows):
    """There are none."""

    async def autorunning(self, tx: Connection, tenants: Collection[UUID]) -> Mapping[UUID, list[InForce]]:
        return {}


class SimulatedRuleSets(RuleSets):
    """One rule set; the newest version is the last one."""

    def __init__(self) -> None:
        self.published: list[Mapping[str, Sequence[Program]]] = []

    async def for_entries(
        self, tx: Connection, pipelines: Iterable[tuple[UUID, str]]
    ) -> dict[tuple[UUID, str], ForEntries]:
        return {pair: ForEntries(RULE_SET, len(self.published)) for pair in pipelines if self.published}

    async def programs(self, tx: Connection, tenant: UUID, code: str, version: int) -> dict[str, Sequence[Program]]:
        return dict(self.published[version - 1])
