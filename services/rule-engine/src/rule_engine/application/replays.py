"""Replays: recorded decisions are read, and decided again by another version; nothing is stored or sent."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.kit.auth import Caller
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, Database
from rule_engine.application.permissions import demand
from rule_engine.application.simulated_programs import ProgramsOfSimulations
from rule_engine.domain.actions import RuleType
from rule_engine.domain.replay.recorded import Recorded
from rule_engine.domain.replay.replay import Replay, Stages
from rule_engine.domain.replay.request import ReplayDocument
from rule_engine.gateway import EntityService
from rule_engine.processes import Processes, in_process
from rule_engine.store import Store
from rule_engine.store.decisions import Span

MAX_DECISIONS, MAX_ENTRIES = 50_000, 20_000
"""The newest are replayed; `cut` says where there were more."""


class Replays:
    """Runs replays, in the places of simulations."""

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        database: Database,
        store: Store,
        entity_service: EntityService,
        programs: ProgramsOfSimulations,
        registry: Mapping[str, RuleType[Any]],
        processes: Processes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._store = store
        self._entity_service = entity_service
        self._programs = programs
        self._registry = registry
        self._processes = processes
        self._clock = clock

    async def run(self, who: Caller, code: str, asked: ReplayDocument, *, workflow: bool) -> bytes:
        """The findings, as JSON.

        Raises `ForbiddenError` for a workflow whose runs they may not see, `NothingToPublishError`,
        `InvalidRuleSetError`, `QueueFullError`, `ProcessFailedError`, and `OutageError` while entity-service is away.
        """
        if workflow:
            async with self._database.transaction(who.tenant) as tx:
                await demand(tx, self._store.workflows, who, code, "see")
        async with self._processes.place(who.tenant):
            return await in_process(findings, await self._replay(who.tenant, code, asked, workflow=workflow))

    async def _replay(self, tenant: UUID, code: str, asked: ReplayDocument, *, workflow: bool) -> Replay:
        schema, until = await self._entity_service.schema(tenant), self._clock()
        version, programs = await self._programs.version_of(tenant, schema, code, asked.version, workflow=workflow)
        span = Span(until - timedelta(days=asked.days), until)
        async with self._database.transaction(tenant) as tx:
            decisions = await self._store.decisions.recorded(tx, (tenant, code), span, MAX_DECISIONS, workflow=workflow)
            entries = await self._store.entries.into_stages(tx, (tenant, code), span, MAX_ENTRIES)
            before = await self._before(tx, tenant, code, decisions, workflow=workflow)
        full = {"decisions": len(decisions) == MAX_DECISIONS, "entries": len(entries) == MAX_ENTRIES}
        return Replay(
            code=code,
            version=version,
            span=span,
            tenant=schema.tenant,
            registry=self._registry,
            programs=programs,
            before=before,
            decisions=decisions,
            entries=() if workflow else entries,
            examples=asked.examples,
            cut=[
                f"only the newest {what} were replayed: ask for fewer days" for what, is_full in full.items() if is_full
            ],
        )

    async def _before(
        self, tx: Connection, tenant: UUID, code: str, decisions: Sequence[Recorded], *, workflow: bool
    ) -> dict[int, Stages]:
        """The versions that decided, and the one that is in force."""
        kept = self._store.workflows if workflow else self._store.rule_sets
        row = await kept.read(tx, (tenant, code))
        numbers = {one.version for one in decisions} | ({row.newest} if row and row.newest else set())
        programs = self._store.programs
        return {
            number: await programs.of_version(tx, tenant, code, number, workflow=workflow) for number in sorted(numbers)
        }


def findings(replay: Replay) -> bytes:
    """What a replay finds, as JSON."""
    return replay.findings().model_dump_json().encode()
