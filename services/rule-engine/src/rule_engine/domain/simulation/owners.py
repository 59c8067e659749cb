"""What commands do in a simulation: moves and changes are made to the item, all else is only answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from contracts.contexts import ItemContext, PipelineContext, StageContext
from contracts.envelope import Body, Cause
from contracts.loops import find_loop
from contracts.messages.employee_commands import ChangeObservers, ChangeResponsible
from contracts.messages.entity_commands import EntityCommand, FieldAssignment, ItemCommand, MoveItem, UpdateItem
from contracts.messages.entity_events import FieldsChanged, StageChanged
from contracts.messages.results import CommandDone, CommandFailed, CommandRefused, FinalResult
from contracts.values import Origin
from rule_engine.domain.simulation.items import MisfitValueError, Surroundings, assigned, entering
from rule_engine.domain.simulation.made_up import chosen, made_up_outputs
from rule_engine.domain.simulation.stand_ins import Answer

LEFT = "the item has left the stage"


@dataclass(frozen=True, slots=True)
class Handled:
    """The result of a command, and the item after it with the event of its change, if it changed."""

    result: FinalResult
    context: ItemContext | None = None
    event: StageChanged | FieldsChanged | None = None
    circle: str | None = None
    late: bool = False
    """The item has entered another stage meanwhile."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was sent, and the automation that led to it."""

    id: UUID
    body: Body
    causes: tuple[Cause, ...]


def handle(command: Command, answer: Answer, context: ItemContext, around: Surroundings, now: datetime) -> Handled:
    """What becomes of a command at the moment when it is answered."""
    body = command.body
    if isinstance(body, ItemCommand) and body.expect_entry_seq not in (None, context.item.entry_seq):
        return Handled(CommandRefused(command_id=command.id, reason=LEFT), late=True)
    if isinstance(body, EntityCommand) and (loop := find_loop(command.causes)):
        return Handled(CommandRefused(command_id=command.id, reason=loop), circle=loop)
    match answer.outcome:
        case "refused":
            return _refused(command, answer.reason)
        case "failed":
            return Handled(CommandFailed(command_id=command.id, reason=answer.reason, retryable=answer.retryable))
        case _:
            return _done(command, answer.outputs, context, around, now)


def _done(
    command: Command, outputs: Mapping[str, JsonValue], context: ItemContext, around: Surroundings, now: datetime
) -> Handled:
    match command.body:
        case MoveItem() as body:
            return _move(command, body, context, around, now)
        case UpdateItem() as body:
            return _update(command, body.assignments, context, around, now)
        case ChangeResponsible() as body:
            responsible = FieldAssignment(field="responsible_id", value=chosen(body, command.id))
            return _update(command, (responsible,), context, around, now)
        case ChangeObservers() as body:
            return _update(command, (_observers(body, context),), context, around, now)
        case body:
            return Handled(
                CommandDone(command_id=command.id, outputs=made_up_outputs(body, command.id) | dict(outputs))
            )


def _observers(body: ChangeObservers, context: ItemContext) -> FieldAssignment:
    left = [id for id in context.item.observer_ids if body.action == "remove" and id not in body.observer_ids]
    value = [str(id) for id in (left if body.action == "remove" else body.observer_ids)]
    return FieldAssignment(field="observer_ids", value=list(value), append=body.action == "add")


def _move(command: Command, body: MoveItem, context: ItemContext, around: Surroundings, now: datetime) -> Handled:
    """To the first candidate: rules name one."""
    wanted, item = body.candidates[0], context.item
    pipeline = wanted.pipeline or item.pipeline
    stage = around.stages.get((pipeline, wanted.stage))
    if stage is None:
        return _refused(command, f"pipeline {pipeline!r} has no stage {wanted.stage!r}")
    there = around.pipelines.get(pipeline, context.pipeline)
    same = (pipeline, wanted.stage) == (item.pipeline, item.stage)
    moved = None if same else moving(context, stage, body.actor, now, body.origin, there)
    after = moved[0].item if moved else item
    outputs: dict[str, JsonValue] = {
        "verdict": "moved" if moved else "same",
        "stage": after.stage,
        "pipeline": after.pipeline,
        "reference": wanted.reference,
        "entry_seq": after.entry_seq,
    }
    done = CommandDone(command_id=command.id, outputs=outputs)
    return Handled(done, *moved) if moved else Handled(done)


def moving(  # noqa: PLR0913 - a move's parts
    context: ItemContext,
    stage: StageContext,
    by: str,
    now: datetime,
    origin: Origin = "user",
    pipeline: PipelineContext | None = None,
) -> tuple[ItemContext, StageChanged]:
    """The item in another stage, and what is told of it."""
    after = entering(context, stage, now, pipeline)
    event = entry_event(after, by, now, context.item.stage, origin)
    return after, event.model_copy(update={"from_pipeline": context.item.pipeline})


def entry_event(
    context: ItemContext, by: str, now: datetime, from_stage: str | None = None, origin: Origin = "user"
) -> StageChanged:
    """The item has entered the stage that it is in."""
    item = context.item
    return StageChanged(
        item=item,
        entry_seq=item.entry_seq,
        from_pipeline=item.pipeline if from_stage else None,
        from_stage=from_stage,
        to_pipeline=item.pipeline,
        to_stage=item.stage,
        origin=origin,
        changed_by=by,
        at=now,
    )


def _update(
    command: Command,
    assignments: Sequence[FieldAssignment],
    context: ItemContext,
    around: Surroundings,
    now: datetime,
) -> Handled:
    try:
        after, changed = assigned(context, assignments, around, now)
    except MisfitValueError as error:
        return _refused(command, str(error))
    outputs = made_up_outputs(command.body, command.id) | {"version": after.item.version}
    done = CommandDone(command_id=command.id, outputs=outputs)
    if not changed:
        return Handled(done)
    by = command.body.actor if isinstance(command.body, EntityCommand) else ""
    return Handled(done, after, FieldsChanged(item=after.item, changed=changed, changed_by=by, at=now))


def _refused(command: Command, reason: str) -> Handled:
    return Handled(CommandRefused(command_id=command.id, reason=reason))
