"""Mistakes of shape in words: where, what is expected, the nearest name, and never pydantic's own terms."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, get_args
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, Query
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, Field, FiniteFloat, HttpUrl, TypeAdapter, ValidationError
from pydantic_core import core_schema

import comms_service.main
import doc_service.main
import entity_service.main
import rule_engine.main
import trigger_service.main
from contracts.inputs import Input
from contracts.issues import Issue, issue, issues, issues_of, unknown
from contracts.kit.http import install_problems
from rule_engine.api.rule_sets import RuleSetInput
from rule_engine.rules import REGISTRY
from trigger_service.domain.triggers import TriggerSpec
from trigger_service.triggers.registry import TRIGGER_TYPES

PYDANTICS = re.compile(
    r"extra inputs|permitted|valid (tuple|dictionary|list|string|integer|number|boolean|uuid|date)|field required"
    r"|input should|unable to|instance of|should match|\bpattern\b|\^\[|\(\?|discriminator|input tag|value error"
    r"|at least \d+ items?|function-|tagged-union|Leaf",
    re.IGNORECASE,
)
"""What its texts are made of; and the names of our classes, which tags of unions are."""

SERVICES = (comms_service.main, doc_service.main, entity_service.main, rule_engine.main, trigger_service.main)
"""Imported, so that all their inputs are known."""


def inputs(root: type[Input] = Input) -> Iterator[type[BaseModel]]:
    for one in root.__subclasses__():
        yield one
        yield from inputs(one)


MODELS: list[type[BaseModel]] = [
    RuleSetInput,
    *inputs(),
    *(one.params for one in REGISTRY.values()),
    *(one.settings for one in TRIGGER_TYPES.values()),
]
WRITTEN = {f"{model.__module__}.{model.__name__}": model for model in MODELS}
"""Everything that people write."""


def found(model: type[BaseModel], document: Any) -> list[Issue]:
    try:
        model.model_validate(document)
    except ValidationError as error:
        return issues_of(error, model)
    return []


def in_rule(**options: Any) -> dict[str, Any]:
    rule = {"name": "greet", "type": "send_sms"} | options
    return {"pipeline": "sales", "stages": {"new": {"rules": [rule]}}}


def leaf(**changes: Any) -> dict[str, Any]:
    return in_rule(condition={"path": "item.amount", "op": "gt", "value": 1} | changes)


RULE = "stages.new.rules[0]"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            in_rule(run={"when": "after", "minuts": 3}),
            f"{RULE}.run.minuts: there is no 'minuts' here: did you mean 'minutes'?",
        ),
        (
            in_rule(run={"when": "aftr", "days": 3}),
            f"{RULE}.run.when: is none of now, after, before, at: did you mean 'after'?",
        ),
        (in_rule(run={"days": 3}), f"{RULE}.run: when is required: one of after, at, before, now"),
        (in_rule(run={"when": "at", "clock": "9:30"}), f"{RULE}.run.clock: expected a time of day such as 09:30"),
        (in_rule(run={"when": "at", "clock": 930}), f"{RULE}.run.clock: expected a time of day such as 09:30"),
        (
            in_rule(run={"when": "before", "from": "item.due", "days": 1}),
            f"{RULE}.run.from: expected the path of a date: item.created_at, item.updated_at, or item.fields. and a "
            "field's code",
        ),
        (
            in_rule(on_leave="cancle"),
            f"{RULE}.on_leave: is none of cancel, finish, run_now: did you mean 'cancel'?",
        ),
        (in_rule(enabled="perhaps"), f"{RULE}.enabled: expected true or false, not this text"),
        (in_rule(retry={"times": 50}), f"{RULE}.retry.times: must be at most 20"),
        (in_rule(retry={}), f"{RULE}.retry.times: is required"),
        (in_rule(title="x" * 201), f"{RULE}.title: has more than 200 characters"),
        (
            in_rule(name="Greet"),
            f"{RULE}.name: expected a name: small letters, digits and _, a letter first, such as total_2",
        ),
        (
            {"pipeline": "sales", "stages": {"new": {"rules": {}}}},
            "stages.new.rules: expected a list, not names with values",
        ),
        ({"pipeline": "sales", "stages": []}, "stages: expected names with values, not a list"),
        (
            {"pipeline": "sales", "stages": {"New": {}}},
            "stages.New: expected a code: small letters, digits, - and _, such as new_lead",
        ),
        ({"pipline": "sales", "stages": {}}, "pipline: there is no 'pipline' here: did you mean 'pipeline'?"),
        (
            in_rule(condition={"al": []}),
            f"{RULE}.condition: a condition has path, op and value, or one of all, any, not, some, every, none, expr",
        ),
        (
            in_rule(condition=[]),
            f"{RULE}.condition: a condition has path, op and value, or one of all, any, not, some, every, none, expr",
        ),
        (leaf(vlue=1), f"{RULE}.condition.vlue: there is no 'vlue' here: did you mean 'value'?"),
        (
            in_rule(condition={"all": [{"any": [{"path": "item.x", "op": "eq", "valeu": 1}]}]}),
            f"{RULE}.condition.all[0].any[0].valeu: there is no 'valeu' here: did you mean 'value'?",
        ),
        (in_rule(condition={"all": {}}), f"{RULE}.condition.all: expected a list, not names with values"),
        (
            leaf(value={"relative": "today", "dys": 3}),
            f"{RULE}.condition: value.dys: there is no 'dys' here: did you mean 'days'?",
        ),
    ],
)
def test_a_rule_set(document: Any, expected: str) -> None:
    assert expected in [str(one) for one in found(RuleSetInput, document)]


def test_one_place_has_one_issue_with_all_that_it_could_have_been() -> None:
    class Either(BaseModel):
        size: int | list[int]

    assert found(Either, {"size": "x"}) == [
        ("size", "expected a whole number, not this text, or expected a list, not this text")
    ]


async def test_a_request_is_answered_in_the_same_words() -> None:
    app = FastAPI()
    install_problems(app)

    @app.put("/triggers")
    async def put(body: TriggerSpec, limit: int = Query(1, le=5)) -> None: ...

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:

        async def issues(query: str = "", **body: Any) -> list[str]:
            answer = await client.put(f"/triggers{query}", **body)
            return [f"{one['where']}: {one['what']}" for one in answer.json()["errors"]]

        assert await issues("?limit=9", json={"name": "x", "tpe": "webhook"}) == [
            "query.limit: must be at most 5",
            "type: is required",
            "pipeline: is required",
            "stage: is required",
            "tpe: there is no 'tpe' here: did you mean 'type'?",
        ]
        json_text = {"content-type": "application/json"}
        assert (await issues(content=b"{", headers=json_text)) == [
            "body: is no JSON: expecting property name enclosed in double quotes"
        ]
        assert await issues(json=[]) == ["body: expected names with values, not a list"]


def test_the_nearest_name_else_the_first_names() -> None:
    assert unknown("stage", "wno", ["won", "lost"], "in pipeline 'sales'") == (
        "there is no stage 'wno' in pipeline 'sales': did you mean 'won'?"
    )
    assert unknown("stage", "x", ["won", "lost"]) == "there is no stage 'x': there are lost, won"
    assert unknown("stage", "x", []) == "there is no stage 'x': there are none"


# no message is in pydantic's words


class Colour(Enum):
    RED = "red"


PROVOKED: Mapping[Any, list[Any]] = {
    str: [1, [], None, b"\xff"],
    Annotated[str, Field(min_length=3, max_length=4)]: ["", "abcde"],
    Annotated[str, Field(min_length=1)]: [""],
    Annotated[str, Field(pattern="^a+$")]: ["b"],
    int: ["x", 1.5, "9" * 5000, {}],
    Annotated[int, Field(gt=1, lt=3)]: [1, 3],
    Annotated[int, Field(ge=2, le=2, multiple_of=2)]: [1, 3],
    Annotated[int, Field(multiple_of=2)]: [3],
    float: ["x", []],
    FiniteFloat: [float("inf")],
    Annotated[Decimal, Field(max_digits=3, decimal_places=1)]: ["12345", "1.25", "x", []],
    bool: ["perhaps", 3, []],
    UUID: ["x", 3],
    date: ["x", "2026-13-01", "2026-01-01T10:00:00", []],
    datetime: ["x", []],
    AwareDatetime: ["2026-01-01T10:00:00"],
    time: ["x", []],
    timedelta: ["x", []],
    HttpUrl: ["x", "ftp://a/", 3],
    Colour: ["rde", 3],
    None: [1],
    list[int]: [3, ["x"]],
    Annotated[list[int], Field(min_length=1, max_length=1)]: [[], [1, 2]],
    tuple[int, int]: [3, [1], [1, 2, 3]],
    set[int]: [3, ["x"]],
    dict[str, int]: [3, {"a": "x"}],
    int | list[int]: ["x"],
}


def provoked() -> Iterator[Mapping[str, Any]]:
    for annotation, values in PROVOKED.items():
        for value in values:
            try:
                TypeAdapter(annotation).validate_python(value)
            except ValidationError as error:
                yield from error.errors(include_url=False)


def test_errors_of_every_kind_are_told_in_our_words() -> None:
    details = list(provoked())
    assert len({one["type"] for one in details}) > 35
    for detail in details:
        what = issue(detail).what
        assert what != detail["msg"], detail
        assert not PYDANTICS.search(what), (detail, what)


@pytest.mark.parametrize("kind", sorted(set(get_args(core_schema.ErrorType)) - {"value_error", "assertion_error"}))
def test_a_text_of_pydantics_own_is_never_told(kind: str) -> None:
    context: dict[str, Any] = {"expected": "'a' or 'b'", "expected_tags": "'a'", "tag": "x", "discriminator": "'when'"}
    context |= dict.fromkeys(
        ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "max_digits", "decimal_places"), 1
    )
    found = issue({"type": kind, "loc": ("a", 0), "msg": "Pydantic SAYS", "input": 1, "ctx": context})
    assert found.where.startswith("a[0]")
    assert "SAYS" not in found.what


WORDS = (
    *("all", "any", "not", "some", "where", "path", "op", "value", "expr", "when", "from", "minutes", "stages"),
    *("rules", "name", "type", "relative", "x"),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", *WORDS])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3)
)


@given(st.sampled_from(sorted(WRITTEN)), st.data())
def test_no_answer_to_a_wrong_document_speaks_pydantic(name: str, data: st.DataObject) -> None:
    model = WRITTEN[name]
    names = st.sampled_from([*model.model_json_schema().get("properties", {}), "nmae", "stages"])
    document = data.draw(st.dictionaries(names, VALUES, max_size=5) | VALUES)
    for where, what in found(model, document):
        assert not PYDANTICS.search(what), (where, what)
        assert not re.search(r"\b(Leaf|All|Any_|Not|Expr|after\.|function|\[key\])", where), where


@given(st.sampled_from(["run", "condition", "retry", "params"]), VALUES)
def test_no_answer_to_a_wrong_rule_speaks_pydantic(key: str, value: Any) -> None:
    for where, what in found(RuleSetInput, in_rule(**{key: value})):
        assert where.startswith(RULE), where
        assert not PYDANTICS.search(what), (where, what)


def test_without_a_schema_the_words_are_the_same_but_for_the_names() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, int]).validate_python({"a": "x"})
    assert issues(caught.value.errors()) == [("a", "expected a whole number, not this text")]
