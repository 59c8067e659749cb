"""The engine's messages, all built here."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from pydantic import JsonValue

from contracts.catalogue import TOPIC_OF
from contracts.envelope import Body, Envelope, command, event
from contracts.messages.comms import Notify
from contracts.messages.entity_commands import UnlockItem
from contracts.messages.results import (
    CANCELLED,
    CancelCommand,
    CommandDone,
    CommandFailed,
    CommandProgress,
    CommandRefused,
    FinalResult,
    cancel_id,
)
from contracts.messages.rule_commands import StopWorkflows
from contracts.messages.rule_events import AssignmentChange, AssignmentChanged, RunChanged
from contracts.texts import readable_reason
from contracts.topics import TOPICS, Topic, item_key
from rule_engine.domain.execution.state import State
from rule_engine.domain.execution.step import Emission, Step, causes_of, longer_than_an_hour
from rule_engine.domain.execution.waits import PAYLOAD, WAIT
from rule_engine.store.assignments import Assignment
from rule_engine.store.runs import Run
from rule_engine.store.workflow_starts import StartRequest

SOURCE = "rule-engine"


def topic_of(body: Body) -> Topic:
    """Where a command of this class is handled."""
    return TOPIC_OF[type(body)]


def topic_named(name: str) -> Topic:
    """A topic by its name, as stored beside a command."""
    return next(topic for topic in TOPICS if topic.name == name)


def _of(run: Run, now: datetime) -> dict[str, Any]:
    """What every message of a run says of where it belongs."""
    return {
        "tenant": run.tenant,
        "key": item_key(run.tenant, run.item_id),
        "time": now,
        "correlation": run.origin.correlation,
        "root": run.origin.root,
    }


def rule_command(run: Run, emission: Emission, now: datetime) -> Envelope[Body]:
    """A rule's command; its causes go on, unless the rule waited so long that it starts a new cause."""
    return command(
        emission.body,
        issuer=SOURCE,
        id=emission.command_id,
        causation=str(run.id),
        causepath=causes_of(emission.rule, run.entry, run.origin.causepath, now),
        **_of(run, now) | ({"root": None} if longer_than_an_hour(run.entry, now) else {}),
    )


def assignment_notice(run: Run, assignment: Assignment, to: UUID, id: UUID, now: datetime) -> Envelope[Body]:
    """Tells the assignee, or who answers for them; nothing waits for its result."""
    ask = assignment.ask
    return command(
        Notify(
            item_id=run.item_id,
            recipients=(to,),
            title=ask.subject,
            text=ask.text or ask.subject,
        ),
        issuer=SOURCE,
        id=id,
        causation=str(run.id),
        **_of(run, now),
    )


def assignment_changed(  # noqa: PLR0913 - what is said of it
    run: Run, one: Assignment, change: AssignmentChange, now: datetime, *, by: str | None = None
) -> Envelope[AssignmentChanged]:
    """For others; the same change gives the same id."""
    return event(
        AssignmentChanged(
            assignment_id=one.id,
            run_id=run.id,
            item_id=run.item_id,
            workflow=run.rule_set,
            block=one.block,
            kind=one.ask.kind,
            change=change,
            assignee=one.assignee,
            choice=one.answer.choice if one.answer else None,
            by=by,
            due_at=one.due_at,
            at=now,
        ),
        source=SOURCE,
        id=uuid5(one.id, f"{change}/{one.version}/{one.reminders}"),
        causepath=run.origin.causepath,
        **_of(run, now),
    )


def cancellations(run: Run, step: Step, now: datetime) -> Iterator[Envelope[CancelCommand]]:
    """One `CancelCommand` per command to cancel."""
    for target in step.cancellations:
        yield command(
            CancelCommand(target=target),
            issuer=SOURCE,
            id=cancel_id(target),
            causation=str(run.id),
            **_of(run, now),
        )


def stops(run: Run, step: Step, now: datetime) -> list[Envelope[StopWorkflows]]:
    """What ends the other runs of a workflow on the item; nothing waits for the result."""
    return [
        command(
            StopWorkflows(
                item_id=run.item_id,
                workflow=run.rule_set,
                except_run=run.id,
                reason=stop.reason,
                delete_data=stop.delete_data,
            ),
            issuer=SOURCE,
            id=uuid5(run.id, f"stop/{stop.step}"),
            causation=str(run.id),
            **_of(run, now),
        )
        for stop in step.stops
    ]


def unlocks(run: Run, step: Step, now: datetime) -> list[Envelope[UnlockItem]]:
    """One per lock that is taken back; behind the command that asked for it, so nothing waits for its result."""
    return [
        command(
            UnlockItem(item_id=run.item_id, actor=f"workflow:{run.rule_set}", lock_id=lock),
            issuer=SOURCE,
            id=uuid5(lock, "unlock"),
            causation=str(run.id),
            **_of(run, now),
        )
        for lock in step.unlocked
    ]


def workflow_started(command_id: UUID, run_id: UUID) -> CommandDone:
    """The result of a start whose end is not waited for."""
    outputs: dict[str, JsonValue] = {"run_id": str(run_id), "outcome": None, "status": None, "variables": {}}
    return CommandDone(command_id=command_id, outputs=outputs)


def workflow_under_way(command_id: UUID, workflow: str, run_id: UUID) -> CommandProgress:
    """What a start that is waited for waits for."""
    return CommandProgress(command_id=command_id, state=f"waits for the end of workflow {workflow!r}, run {run_id}")


def wait_under_way(request: StartRequest) -> CommandProgress:
    """Until when a service's wait lasts."""
    until = datetime.fromisoformat(str(request.parameters["until"]))
    return CommandProgress(command_id=request.id, state="waits", until=until)


def _wait_ended(run: Run, state: State) -> FinalResult:
    """Its result tells whoever asked that the moment is here; without effects, so what is cancelled is refused."""
    if state.outcome == "done":
        return CommandDone(command_id=run.origin.id, outputs={PAYLOAD: state.variables[PAYLOAD]})
    return CommandRefused(command_id=run.origin.id, reason=readable_reason(state.reason or CANCELLED))


def workflow_ended(run: Run, state: State) -> FinalResult:
    """The result of a start whose end was waited for. One that ended otherwise than well may have had effects."""
    if run.rule_set == WAIT:
        return _wait_ended(run, state)
    if state.outcome == "done":
        ended = {"outcome": state.outcome, "status": state.status, "variables": state.variables}
        return CommandDone(command_id=run.origin.id, outputs={"run_id": str(run.id), **ended})
    what = f"workflow {run.rule_set!r} ended as {state.outcome}"
    reason = readable_reason(f"{what}: {state.reason}" if state.reason else what)
    return CommandFailed(command_id=run.origin.id, reason=reason, retryable=False)


def run_changes(run: Run, step: Step, now: datetime) -> Iterator[Envelope[RunChanged]]:
    """One event per rule whose state changed; the same revision of a run gives the same ids."""
    for progress in step.changed:
        yield event(
            RunChanged(
                run_id=run.id,
                item_id=run.item_id,
                rule_set=run.rule_set,
                version=run.version,
                stage=run.program.stage,
                rule_id=progress.rule_id,
                rule=run.program.rules_by_path[progress.path].name,
                state=progress.state,
                reason=progress.reason,
                due_at=progress.due_at,
                command_id=progress.command_id,
                step=progress.step,
                workflow=run.workflow,
                at=now,
            ),
            source=SOURCE,
            id=uuid5(run.id, f"{run.rev + 1}/{progress.step}"),
            causepath=run.origin.causepath,
            **_of(run, now),
        )
