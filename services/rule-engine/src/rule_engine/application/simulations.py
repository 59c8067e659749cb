"""Simulations: what is asked for becomes a world, which is simulated; nothing is stored or sent."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.issues import Issue
from contracts.kit.configuration import Who
from contracts.kit.database import Database
from contracts.kit.quotas import limits, words
from rule_engine.application.simulated_items import ItemsOfSimulations
from rule_engine.application.simulated_programs import ProgramsOfSimulations
from rule_engine.domain.actions import RuleType
from rule_engine.domain.simulation.arrivals import BadSimulationError, happenings
from rule_engine.domain.simulation.items import Surroundings
from rule_engine.domain.simulation.request import MAX_EVENTS, SimulationDocument
from rule_engine.domain.simulation.world import World
from rule_engine.gateway import EntityService
from rule_engine.processes import Processes, in_process
from rule_engine.quotas import OPEN_RUNS
from rule_engine.simulator import findings
from rule_engine.store.variables import Owner, Variables


class Simulations:
    """Runs simulations, at most one of a tenant at a time."""

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        database: Database,
        variables: Variables,
        entity_service: EntityService,
        items: ItemsOfSimulations,
        programs: ProgramsOfSimulations,
        registry: Mapping[str, RuleType[Any]],
        processes: Processes,
    ) -> None:
        self._database = database
        self._variables = variables
        self._entity_service = entity_service
        self._items = items
        self._programs = programs
        self._registry = registry
        self._processes = processes

    async def run(self, who: Who, asked: SimulationDocument) -> bytes:
        """The findings, as JSON.

        Raises `BadSimulationError`, `InvalidRuleSetError`, `BadStartError`, `NothingToPublishError`, `QueueFullError`,
        `ProcessFailedError`, and `OutageError` while entity-service is away.
        """
        async with self._processes.place(who.tenant):
            world = await self._world(who.tenant, asked)
            return await in_process(findings, world, asked.traces, asked.messages_per_day)

    async def _world(self, tenant: UUID, asked: SimulationDocument) -> World:
        schema = await self._entity_service.schema(tenant)
        items = await self._items.of(tenant, schema, asked)
        if len(items.arrivals) * len(asked.events) > MAX_EVENTS:
            raise BadSimulationError(Issue("events", f"with all items more than {MAX_EVENTS:,} events"))
        ids = [one.context.item.id for one in items.arrivals]
        async with self._database.transaction(tenant) as tx:
            stored = await self._variables.stored(tx, Owner(tenant))
            item_values = await self._variables.of_items(tx, tenant, ids)
            allowed = (await limits(tx, [tenant], OPEN_RUNS))[tenant]
        return World(
            tenant=tenant,
            settings=schema.tenant,
            registry=self._registry,
            around=Surroundings.of(schema, (one.context for one in items.arrivals)),
            until=items.begin + timedelta(days=asked.days),
            arrivals=items.arrivals,
            published=await self._programs.rule_sets(tenant, schema, asked),
            workflows=await self._programs.workflows(tenant, schema, asked),
            happenings=[*items.moves, *happenings(items.arrivals, asked.events, asked.seed)],
            stand_ins=asked.stand_ins,
            employees=asked.employees,
            stored=stored,
            item_values=item_values,
            open_runs=allowed,
            over_quota=words(OPEN_RUNS, allowed),
            seed=asked.seed,
        )
