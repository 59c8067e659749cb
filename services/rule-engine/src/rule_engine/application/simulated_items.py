"""The items of a simulation: those that there are, made up ones, recorded ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from contracts.contexts import ItemContext, PipelineContext, TenantSchema
from contracts.issues import Issue
from contracts.kit.clock import Clock
from contracts.kit.database import Database
from rule_engine.domain.simulation.arrivals import BadSimulationError, made_up
from rule_engine.domain.simulation.items import Surroundings
from rule_engine.domain.simulation.request import MAX_ITEMS, RecordedItems, SimulationDocument
from rule_engine.domain.simulation.world import Arrival, Happening
from rule_engine.gateway import EntityService
from rule_engine.store.entries import Entries, RecordedEntry


@dataclass(frozen=True, slots=True)
class SimulatedItems:
    """The items of a simulation, and what people did to recorded ones."""

    begin: datetime
    arrivals: Sequence[Arrival]
    moves: Sequence[Happening] = ()


class ItemsOfSimulations:
    """Asks for contexts, and reads what is recorded."""

    def __init__(self, database: Database, entries: Entries, entity_service: EntityService, clock: Clock) -> None:
        self._database = database
        self._entries = entries
        self._entity_service = entity_service
        self._clock = clock

    async def of(self, tenant: UUID, schema: TenantSchema, asked: SimulationDocument) -> SimulatedItems:
        """Raises `BadSimulationError`, and `OutageError` while entity-service is away."""
        wanted = asked.items
        recorded = await self._recorded(tenant, wanted.recorded) if wanted.recorded else []
        first = recorded[0].entry.entered_at if recorded else None
        begin = asked.from_ or first or self._clock()
        given = [one for at, each in enumerate(wanted.given) for one in made_up(each, at, schema, begin)]
        contexts = [*await self._existing(tenant, schema, asked), *given]
        apart = timedelta(seconds=wanted.every_seconds)
        arrivals = [Arrival(begin + number * apart, one) for number, one in enumerate(contexts)]
        replayed = await self._replayed(tenant, schema, recorded)
        if not 0 < len(arrivals) + len(replayed.arrivals) <= MAX_ITEMS:
            found = len(arrivals) + len(replayed.arrivals)
            raise BadSimulationError(Issue("items", f"there are {found:,} items: simulate 1 to {MAX_ITEMS:,}"))
        return SimulatedItems(begin, [*arrivals, *replayed.arrivals], replayed.moves)

    async def _existing(self, tenant: UUID, schema: TenantSchema, asked: SimulationDocument) -> list[ItemContext]:
        wanted = list(dict.fromkeys(asked.items.ids))
        found = await self._entity_service.contexts(tenant, wanted)
        if missing := [str(id) for id in wanted if id not in found]:
            raise BadSimulationError(Issue("items.ids", f"there are no items {', '.join(missing[:5])}"))
        contexts = [found[id] for id in wanted]
        stage = asked.items.stage
        if stage is None:
            return contexts
        stages = Surroundings.of(schema, ()).stages
        if wrong := [one for one in contexts if (one.item.pipeline, stage) not in stages]:
            raise BadSimulationError(Issue("items.stage", f"pipeline {wrong[0].item.pipeline!r} has no such stage"))
        return [
            one.model_copy(
                update={
                    "item": one.item.model_copy(update={"stage": stage}),
                    "stage": stages[one.item.pipeline, stage],
                }
            )
            for one in contexts
        ]

    async def _recorded(self, tenant: UUID, wanted: RecordedItems) -> list[RecordedEntry]:
        async with self._database.transaction(tenant) as tx:
            return await self._entries.recorded(tx, tenant, wanted.pipeline, (wanted.since, wanted.until), wanted.limit)

    async def _replayed(self, tenant: UUID, schema: TenantSchema, recorded: Sequence[RecordedEntry]) -> SimulatedItems:
        """Each item as it entered first, and where people moved it later; not those that are deleted by now."""
        found = await self._entity_service.contexts(tenant, dict.fromkeys(one.entry.item_id for one in recorded))
        stages = Surroundings.of(schema, ()).stages
        names = {one.code: one.name for one in schema.pipelines}
        arrivals, moves = dict[UUID, Arrival](), list[Happening]()
        for one in recorded:
            item, at = one.entry.snapshot, one.entry.entered_at
            context, stage = found.get(item.id), stages.get((item.pipeline, item.stage))
            if context is None or stage is None:
                continue
            if item.id not in arrivals:
                pipeline = PipelineContext(code=item.pipeline, name=names[item.pipeline])
                then = context.model_copy(update={"item": item, "stage": stage, "pipeline": pipeline})
                arrivals[item.id] = Arrival(at, then)
            elif one.origin != "rule":
                moves.append(Happening(at, item.id, stage=item.stage))
        return SimulatedItems(self._clock(), list(arrivals.values()), moves)
