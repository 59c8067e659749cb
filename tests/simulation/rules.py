"""Random rule sets: chains side by side, waits from seconds to months, conditions, every option, every kind of end."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from contracts.conditions import Leaf
from contracts.contexts import PipelineSchema, StageContext, TenantSchema, TenantSettings
from rule_engine.domain.actions import ActionContext, Outputs, Params, Refusal, RuleType
from rule_engine.domain.authoring.compiling import compile_document
from rule_engine.domain.authoring.document import RuleDocument, RuleSetDocument, StageDocument
from rule_engine.domain.execution.program import Program, Retry
from rule_engine.domain.schedule.run_time import After, Now
from rule_engine.rules import RUNNABLE as CATALOGUE
from simulation.sim_context import TENANT, ZONE

STAGES = ("new", "work", "won")
PIPELINE = "sales"


class Note(RuleType[Params]):
    """A helper: acts inside the engine."""

    type, title, group, helper, params = "note", "Note", "employees", True, Params

    def act(self, params: Params, acting: ActionContext) -> Outputs:
        return Outputs()


class Decline(Note):
    type = "decline"

    def act(self, params: Params, acting: ActionContext) -> Refusal:  # type: ignore[override]
        return Refusal("nobody wants it")


class Defect(Note):
    type = "defect"

    def act(self, params: Params, acting: ActionContext) -> Outputs:
        raise ZeroDivisionError


REGISTRY: Mapping[str, RuleType[Any]] = {**CATALOGUE, **{kind.type: kind for kind in (Note(), Decline(), Defect())}}
SCHEMA = TenantSchema(
    tenant_id=TENANT,
    tenant=TenantSettings(name="A shop", time_zone=ZONE),
    pipelines=(
        PipelineSchema(
            code=PIPELINE,
            name="Sales",
            kind="deal",
            stages=tuple(StageContext(code=code, name=code, position=at) for at, code in enumerate(STAGES)),
        ),
    ),
)
KINDS: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("create_task", {"name": "call"}),
    ("update_item", {"fields": [{"field": "fields.mark", "value": "seen"}]}),
    ("change_stage", {}),
    ("send_sms", {"text": "hello"}),
    ("send_sms", {"text": "hello"}),
    ("create_document", {"template": "offer"}),
    ("notify_supervisor", {"text": "look", "recipients": [str(TENANT)]}),
    ("note", {}),
    ("decline", {}),
    ("defect", {}),
)
WEIGHTS = (6, 3, 4, 6, 4, 6, 3, 3, 1, 0.3)
DELAYS = (
    Now(),
    After(seconds=20),
    After(minutes=30),
    After(hours=3),
    After(days=2),
    After(months=6),
    Now(working_time="company"),
    After(working_hours=5),
)
CONDITIONS = (
    Leaf(path="item.activity_count", op="eq", value=0),
    Leaf(path="item.fields.mark", op="empty"),
    Leaf(path="item.stage", op="eq", value="new"),
)


def rule_set(random: Random) -> Mapping[str, Sequence[Program]]:
    """The programs of a random rule set, by stage."""
    stages = {stage: StageDocument(rules=tuple(_rules(random, stage))) for stage in STAGES}
    return compile_document(RuleSetDocument(pipeline=PIPELINE, stages=stages), SCHEMA, REGISTRY)


def _rules(random: Random, stage: str) -> Sequence[RuleDocument]:
    return [_rule(random, stage, number) for number in range(random.choice((0, 1, 2, 3, 3, 4)))]


def _rule(random: Random, stage: str, number: int) -> RuleDocument:
    kind, params = random.choices(KINDS, WEIGHTS)[0]
    return RuleDocument(
        name=f"r{number}",
        id=UUID(int=random.getrandbits(128)),
        type=kind,
        params=dict(params) if kind != "change_stage" else {"stage": _onwards(random, stage)},
        execution=random.choice(("parallel", "wait", "wait", "else")) if number else "parallel",
        run=random.choice((Now(), *DELAYS)),
        condition=random.choice((None, None, None, *CONDITIONS)),
        on_leave=random.choice(("cancel", "cancel", "finish", "run_now")),
        on_failure=random.choice(("stop", "continue")),
        retry=random.choice((None, None, Retry(times=2, after_seconds=30))),
        enabled=random.random() > 0.1,
    )


def _onwards(random: Random, stage: str) -> str:
    """Rules move items forwards only: those that wait for hours would otherwise go round for ever."""
    return random.choice(STAGES[STAGES.index(stage) :])


SOME_TIME = tuple(
    timedelta(**span)
    for span in ({"seconds": 1}, {"seconds": 40}, {"minutes": 20}, {"hours": 2}, {"days": 1}, {"days": 40})
)
"""How the clock jumps while things happen."""
