"""What is simulated: items that arrive, what people do meanwhile, rules and workflows, and who answers commands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from contracts.contexts import ItemContext, TenantSettings
from contracts.messages.entity_commands import FieldAssignment
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.execution.planning import Published
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.step import Registry
from rule_engine.domain.language.variables import NOTHING_STORED, Stored
from rule_engine.domain.simulation.items import Surroundings
from rule_engine.domain.simulation.stand_ins import EmployeeStandIn, StandIn


@dataclass(frozen=True, slots=True)
class SimulatedWorkflow:
    """A workflow that items start by themselves, or that is started on each one as it arrives."""

    code: str
    document: WorkflowDocument
    program: Program
    started: Mapping[str, JsonValue] | None = None
    """With these parameters on every item; null: only by itself."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An item that enters its stage."""

    at: datetime
    context: ItemContext


@dataclass(frozen=True, slots=True)
class Happening:
    """What people or others do to one item, or to all that are there: what of it is null does not happen."""

    at: datetime
    item: UUID | None = None
    stage: str | None = None
    assignments: tuple[FieldAssignment, ...] = ()
    name: str | None = None
    """Something that workflows may wait for has come."""
    value: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a simulation depends on: the same world gives the same report."""

    tenant: UUID
    settings: TenantSettings
    registry: Registry
    around: Surroundings
    until: datetime
    arrivals: Sequence[Arrival]
    published: Mapping[str, Published] = field(default_factory=dict)
    """By pipeline."""
    workflows: Sequence[SimulatedWorkflow] = ()
    happenings: Sequence[Happening] = ()
    stand_ins: Sequence[StandIn] = ()
    employees: Sequence[EmployeeStandIn] = ()
    stored: Stored = NOTHING_STORED
    """Definitions, and the values of the tenant's variables."""
    item_values: Mapping[UUID, Mapping[str, JsonValue]] = field(default_factory=dict)
    """Of variables that items have one of each."""
    open_runs: int = 200_000
    """Unfinished runs that the tenant may have, with what is said when they are reached."""
    over_quota: str = "too many runs are unfinished"
    seed: str = ""
    """Another one has the stand-ins meet other commands."""
