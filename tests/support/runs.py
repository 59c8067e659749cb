"""What the tests of the core share: a small registry, programs, contexts."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from contracts.conditions import Leaf
from contracts.contexts import ContactContext, ItemContext, MyCompany, PipelineContext, StageContext, TenantSettings
from contracts.envelope import Body
from contracts.messages.comms import Notify
from contracts.messages.results import CommandDone, CommandRefused
from contracts.values import ItemSnapshot
from rule_engine.blocks import BLOCKS
from rule_engine.domain.actions import ActionContext, Failure, Outputs, Params, Refusal, RuleType
from rule_engine.domain.authoring.compiling import chains
from rule_engine.domain.authoring.document import RuleDocument
from rule_engine.domain.execution.advance import advance, begin, settle
from rule_engine.domain.execution.program import Block, Program, RuleBlock
from rule_engine.domain.execution.state import Entry, State
from rule_engine.domain.execution.step import RunFacts, Step
from rule_engine.domain.schedule.due import times_of
from rule_engine.domain.schedule.run_time import After
from rule_engine.rules.locks import LockItemRule

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RUN = UUID("00000000-0000-4000-8000-00000000000a")
ITEM = UUID("00000000-0000-4000-8000-00000000000b")
TENANT = UUID("00000000-0000-4000-8000-00000000000c")


class SayParams(Params):
    text: str = "hello"


class SayOutputs(Outputs):
    said: str | None = None


class Say(RuleType[SayParams]):
    """Sends a notification."""

    type = "say"
    title = "Say"
    group = "employees"
    params = SayParams
    outputs = SayOutputs

    def act(self, params: SayParams, acting: ActionContext) -> Body | Outputs | Refusal | Failure:
        return Notify(item_id=acting.context.item.id, recipients=(), text=params.text, sender=str(acting.guard))


class Decline(Say):
    type = "decline"

    def act(self, params: SayParams, acting: ActionContext) -> Refusal:
        return Refusal("nobody wants it")


class Break(Say):
    type = "break"

    def act(self, params: SayParams, acting: ActionContext) -> Failure:
        return Failure("there is no address")


class Note(Say):
    """A helper: gives its text to later rules."""

    type = "note"
    helper = True

    def act(self, params: SayParams, acting: ActionContext) -> SayOutputs:
        return SayOutputs(said=params.text)


REGISTRY: Mapping[str, RuleType[Any]] = {kind.type: kind() for kind in (Say, Decline, Break, Note, LockItemRule)}
FACTS = RunFacts(RUN, REGISTRY)
HALF_AN_HOUR = After(minutes=30)
NO_ACTIVITY = Leaf(path="item.activity_count", op="eq", value=0)


def rule(name: str, type: str = "say", **options: Any) -> RuleDocument:
    return RuleDocument(name=name, type=type, **options)


def program(*rules: RuleDocument) -> Program:
    """One chain."""
    assert len(chains(rules)) == 1
    blocks = tuple(
        RuleBlock(
            rule_id=one.name,
            name=one.name,
            type=one.type,
            params=one.params,
            run=one.run,
            condition=one.condition,
            on_leave=one.on_leave,
            on_failure=one.on_failure,
            retry=one.retry,
            otherwise=one.execution == "else",
            enabled=one.enabled,
        )
        for one in rules
    )
    return Program(stage="new", stage_name="New", chain=0, root=Block(block="sequence", blocks=blocks)).bound(BLOCKS)


def snapshot(entry_seq: int = 1, activity_count: int = 0, **fields: JsonValue) -> ItemSnapshot:
    return ItemSnapshot(
        id=ITEM,
        kind="deal",
        title="An oak table",
        pipeline="sales",
        stage="new",
        version=entry_seq,
        entry_seq=entry_seq,
        activity_count=activity_count,
        fields=fields,
        created_at=T0,
        updated_at=T0,
    )


def context(item: ItemSnapshot | None = None) -> ItemContext:
    return ItemContext(
        tenant_id=TENANT,
        tenant=TenantSettings(name="A shop", time_zone="Europe/Rome"),
        item=item or snapshot(),
        contact=ContactContext(id=ITEM, first_name="Ada", last_name="Bell", name="Ada Bell"),
        stage=StageContext(code="new", name="New", position=0),
        pipeline=PipelineContext(code="sales", name="Sales"),
        my_company=MyCompany(name="A shop"),
        read_at=T0,
    )


ENTRY = Entry(ITEM, 1, T0, snapshot())
TIMES = times_of(TenantSettings(name="A shop", time_zone="Europe/Rome"))


def started(*rules: RuleDocument) -> tuple[Program, State]:
    made = program(*rules)
    return made, begin(made, ENTRY, TIMES)


def go(
    made: Program, state: State, after: timedelta = timedelta(0), seen: ItemContext | None = None, gone: bool = False
) -> Step:
    """Advances so long after the entry."""
    return advance(made, state, ENTRY, None if gone else seen or context(), T0 + after, FACTS)


def states(step: Step | State) -> dict[str, str]:
    state = step if isinstance(step, State) else step.state
    return {rule_id: progress.state for rule_id, progress in state.rules.items()}


def done(made: Program, step: Step, name: str, **outputs: str) -> Step:
    """The owner has done the rule's command."""
    command_id = step.state.rules[name].command_id
    assert command_id is not None
    return settle(made, step.state, command_id, CommandDone(command_id=command_id, outputs=outputs), T0, REGISTRY)


def refused(made: Program, step: Step, name: str, reason: str) -> Step:
    """The owner has refused the rule's command."""
    command_id = step.state.rules[name].command_id
    assert command_id is not None
    return settle(made, step.state, command_id, CommandRefused(command_id=command_id, reason=reason), T0, REGISTRY)
