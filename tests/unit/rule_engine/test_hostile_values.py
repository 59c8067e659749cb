"""Whatever an author writes is refused with a reason, or ends as something that can be kept and sent."""

import json
from itertools import cycle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.contexts import EmployeeRef, FieldSchema, PipelineSchema, StageContext, TenantSchema
from contracts.inputs import unkeepable
from rule_engine.blocks import BLOCKS
from rule_engine.domain.authoring.checks import RuleSetCheck
from rule_engine.domain.authoring.compiling import compile_document, with_ids
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.execution.advance import advance, begin
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import Entry
from rule_engine.domain.execution.step import RunFacts, Step
from rule_engine.domain.language.variables import Definition, Stored, VariableDocument, by_name
from rule_engine.domain.schedule.due import times_of
from rule_engine.rules import REGISTRY
from support import corpus
from support.hostile_params import FIELDS, PARAMS, QUIET
from support.hostility import PIPELINES, rule_places, sound_rule
from support.shop import HEAD, NOON, SELLER, SETTINGS, TENANT, deal
from support.shop import SCHEMA as SHOP

MAX_MESSAGE = 900_000
"""Bytes of a message that the outbox takes."""
TYPES: dict[str, Any] = {
    "note": "text",
    "notes": "text",
    "count": "number",
    "day": "date",
    "moment": "datetime",
    "cost": "money",
    "wood": "list",
    "flag": "boolean",
}
STAGES = tuple(StageContext(code=code, name=code, position=at) for at, code in enumerate(("new", QUIET)))
ISSUED = (StageContext(code="issued", name="Issued", position=0),)
SCHEMA = TenantSchema(
    tenant_id=TENANT,
    tenant=SETTINGS,
    pipelines=(
        *(PipelineSchema(code=code, name=code, kind="deal", stages=STAGES) for code in PIPELINES),
        PipelineSchema(code="leads", name="Leads", kind="lead", stages=STAGES),
        PipelineSchema(
            code="invoices",
            name="Invoices",
            kind="invoice",
            stages=(StageContext(code="issued", name="I", position=0),),
        ),
    ),
    fields=tuple(
        FieldSchema(
            code=code,
            name=code,
            kind="deal",
            type=type,
            multiple=code == "notes",
            options=("oak", "ash") if type == "list" else (),
        )
        for code, type in TYPES.items()
    ),
    lists=SHOP.lists,
    resources=("van",),
    employees=(
        EmployeeRef(id=HEAD.id, code="head", name=HEAD.name),
        EmployeeRef(id=SELLER.id, code="seller", name=SELLER.name),
    ),
    departments=("sales",),
)
DEFINITIONS = [
    Definition("variable", "a_text", VariableDocument(type="text", value="")),
    Definition("variable", "a_number", VariableDocument(type="number", scope="item", value=0)),
    Definition("variable", "a_list", VariableDocument(type="string", scope="run", multiple=True, value=[])),
]
FACTS = RunFacts(TENANT, REGISTRY, Stored(by_name(DEFINITIONS)))


@pytest.mark.parametrize("type", PARAMS)
def test_the_sound_rules_are_done(type: str) -> None:
    assert publishable(sound_rule(type)) == []
    step = advanced(sound_rule(type), "A note")
    assert {progress.state for progress in step.state.rules.values()} <= {"running", "done"}
    assert step.emissions or step.decisions


@pytest.mark.parametrize("type", PARAMS)
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_an_author_writes_is_refused_or_can_be_kept_and_sent(type: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(rule_places(sound_rule(type))))
    kinds = {"condition": corpus.conditions, "run": corpus.named(corpus.RUNS)}
    rule = corpus.replaced(sound_rule(type), place, data.draw(kinds.get(str(place[0]), corpus.parameters)))
    if publishable(rule):
        return
    note = data.draw(st.sampled_from(["A note", "n" * 10_000, "\u20ac" * 10_000]))
    check_step(advanced(rule, note))


@pytest.mark.parametrize("type", PARAMS)
def test_every_hostile_text_and_expression_is_refused_or_can_be_kept_and_sent(type: str) -> None:
    """Each in a quarter of the types, the places taking turns."""
    values: list[Any] = [*corpus.TEMPLATES.values(), *({"expr": source} for source in corpus.EXPRESSIONS.values())]
    written = values[list(PARAMS).index(type) % 4 :: 4]
    places = [place for place in corpus.places(PARAMS[type]) if isinstance(_part(PARAMS[type], place), str)]
    for place, value in zip(cycle(places), written, strict=False):
        rule = corpus.replaced(sound_rule(type), ("params", *place), value)
        if not publishable(rule):
            check_step(advanced(rule, "n" * 10_000))


def _part(value: Any, place: corpus.Path) -> Any:
    for key in place:
        value = value[key]
    return value


def check_step(step: Step) -> None:
    """All that the step wants kept can be kept, and all that it wants sent is small enough to be sent."""
    ended = [progress for progress in step.state.rules.values() if progress.state in ("failed", "refused", "skipped")]
    assert all(progress.reason for progress in ended), ended
    for emission in step.emissions:
        body = emission.body.model_dump(mode="json")
        assert unkeepable(body) is None
        assert len(json.dumps(body, ensure_ascii=False).encode()) <= MAX_MESSAGE
    for decision in step.decisions:
        assert unkeepable([decision.reason, dict(decision.seen), list(decision.leaves)]) is None
    assert unkeepable(step.state.model_dump(mode="json")) is None
    assert unkeepable([one.value for one in step.assigned]) is None


def publishable(rule: dict[str, Any]) -> list[str]:
    """What is wrong with a rule set of this rule, as the API reads it; empty: it can be published."""
    if issue := unkeepable(rule):
        return [issue]
    try:
        document = _document(rule)
    except ValidationError as error:
        return [str(error)[:200]]
    return [issue.what for issue in RuleSetCheck(document, SCHEMA, REGISTRY, definitions=DEFINITIONS).issues()]


def _document(rule: dict[str, Any]) -> RuleSetDocument:
    return RuleSetDocument.model_validate({"pipeline": "deals", "stages": {"new": {"rules": [rule]}}})


def advanced(rule: dict[str, Any], note: str) -> Step:
    """The rule when its time has come."""
    programs = compile_document(with_ids(_document(rule), [], lambda: TENANT), SCHEMA, REGISTRY, DEFINITIONS)
    (program,) = programs["new"]
    made = program.bound(BLOCKS)
    seen = deal()
    item = seen.item.model_copy(update={"fields": {**FIELDS, "note": note}, "pipeline": "deals"})
    entry = Entry(item.id, item.entry_seq, NOON, item)
    state = begin(made, entry, times_of(SETTINGS))
    return _advance(made, state, entry, seen.model_copy(update={"item": item, "members": {"sales": (SELLER.id,)}}))


def _advance(made: Program, state: Any, entry: Entry, seen: Any) -> Step:
    due = max([progress.due_at for progress in state.rules.values() if progress.due_at] or [NOON])
    return advance(made, state, entry, seen, max(due, NOON), FACTS)
