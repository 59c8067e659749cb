"""From the document to programs: chains, ids that stay, employees, parts."""

from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from rule_engine.domain.authoring.checks import RuleSetCheck
from rule_engine.domain.authoring.compiling import compile_document, with_ids
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.employee_refs import named_in
from rule_engine.domain.execution.program import Program
from rule_engine.domain.language.variables import Definition, VariableDocument
from rule_engine.rules import REGISTRY
from support.shop import FURNITURE_SHOP, SCHEMA, SELLER, WAREHOUSE, rule, rule_set

SAM, WES = str(SELLER.id), str(WAREHOUSE.id)


@pytest.fixture
def new_id() -> Callable[[], UUID]:
    numbers = count(100)
    return lambda: UUID(int=next(numbers))


def document(*rules: dict[str, Any]) -> RuleSetDocument:
    return RuleSetDocument.model_validate(rule_set(new=list(rules)))


def ids(made: RuleSetDocument, stage: str = "new") -> dict[str, int]:
    return {one.name: one.id.int for one in made.stages[stage].rules if one.id}


def programs(written: dict[str, Any], new_id: Callable[[], UUID]) -> dict[str, list[Program]]:
    made = with_ids(RuleSetDocument.model_validate(written), [], new_id)
    return compile_document(made, SCHEMA, REGISTRY)


def test_rules_keep_their_ids_by_name_and_new_ones_get_new_ones(new_id: Callable[[], UUID]) -> None:
    first = with_ids(document(rule("a", "send_sms"), rule("b", "send_sms")), [], new_id)
    second = with_ids(document(rule("c", "send_sms"), rule("b", "send_email")), [first], new_id)
    assert (ids(first), ids(second)) == ({"a": 100, "b": 101}, {"c": 102, "b": 101})


def test_a_rule_keeps_its_id_through_a_new_name_when_the_document_says_so(new_id: Callable[[], UUID]) -> None:
    first = with_ids(document(rule("a", "send_sms")), [], new_id)
    renamed = document(rule("a", "send_email"), rule("b", "send_sms", id=str(UUID(int=100))))
    assert ids(with_ids(renamed, [first], new_id)) == {"a": 101, "b": 100}


def test_ids_are_never_taken_twice_nor_from_elsewhere(new_id: Callable[[], UUID]) -> None:
    first = with_ids(document(rule("a", "send_sms")), [], new_id)
    same, foreign = str(UUID(int=100)), str(UUID(int=7))
    copied = document(rule("b", "send_sms", id=same), rule("c", "send_sms", id=same), rule("d", "send_sms", id=foreign))
    assert ids(with_ids(copied, [first], new_id)) == {"b": 100, "c": 101, "d": 102}


def test_a_rule_that_a_draft_left_out_comes_back_with_its_id(new_id: Callable[[], UUID]) -> None:
    published = with_ids(document(rule("a", "send_sms"), rule("b", "send_sms")), [], new_id)
    draft = with_ids(document(rule("a", "send_sms")), [published], new_id)
    again = with_ids(document(rule("a", "send_sms"), rule("b", "send_sms")), [published, draft], new_id)
    assert ids(again) == ids(published)


def test_a_rule_that_moves_to_another_stage_keeps_the_id_it_names(new_id: Callable[[], UUID]) -> None:
    first = with_ids(document(rule("a", "send_sms")), [], new_id)
    moved = RuleSetDocument.model_validate(rule_set(won=[rule("a", "send_sms", id=str(UUID(int=100)))]))
    assert ids(with_ids(moved, [first], new_id), "won") == {"a": 100}


def test_parallel_rules_are_chains_of_their_own_and_waiting_ones_join(new_id: Callable[[], UUID]) -> None:
    made = programs(FURNITURE_SHOP, new_id)
    names = {stage: [[one.name for one in chain.rules()] for chain in chains] for stage, chains in made.items()}
    assert names == {
        "new": [["greet"], ["escalate"]],
        "documents": [["create_document", "send_invoice"]],
        "prepayment": [["pack"]],
        "won": [["renew"], ["install"]],
    }
    assert [(chain.chain, chain.stage, chain.stage_name) for chain in made["won"]] == [
        (0, "won", "Won"),
        (1, "won", "Won"),
    ]


def test_a_program_knows_the_position_of_its_stage(new_id: Callable[[], UUID]) -> None:
    made = programs(FURNITURE_SHOP, new_id)
    assert {stage: chains[0].stage_position for stage, chains in made.items()} == {
        "new": 0,
        "documents": 1,
        "prepayment": 2,
        "won": 3,
    }


def test_a_program_asks_for_the_parts_that_its_rules_read(new_id: Callable[[], UUID]) -> None:
    made = programs(FURNITURE_SHOP, new_id)
    assert made["new"][0].parts == ("company", "contacts")
    assert made["new"][1].parts == ("contacts", "reassignments", "responsible", "supervisor")
    assert made["prepayment"][0].parts == ("products",)
    assert made["won"][1].parts == ()


def test_codes_of_employees_become_ids(new_id: Callable[[], UUID]) -> None:
    written = rule_set(
        new=[
            rule(
                "it", "create_task", name="Pack", assignee="warehouse", participants=["sam", {"path": "responsible.id"}]
            )
        ]
    )
    (chain,) = programs(written, new_id)["new"]
    params = chain.rules()[0].params
    assert params["assignee"] == WES
    assert params["participants"] == [SAM, {"path": "responsible.id"}]


def test_codes_of_employees_become_ids_in_fields_that_are_set(new_id: Callable[[], UUID]) -> None:
    fields: list[dict[str, Any]] = [
        {"field": "title", "value": "sam"},
        {"field": "responsible_id", "value": "sam"},
        {"field": "fields.joiners", "value": ["warehouse", "{{ responsible.id }}"], "append": True},
    ]
    made = with_ids(document(rule("it", "update_item", fields=fields, changed_by="sam")), [], new_id)
    assert RuleSetCheck(made, SCHEMA, REGISTRY).issues() == []
    (chain,) = compile_document(made, SCHEMA, REGISTRY)["new"]
    params: Any = chain.rules()[0].params
    assert params["changed_by"] == SAM
    assert [one["value"] for one in params["fields"]] == ["sam", SAM, [WES, "{{ responsible.id }}"]]


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ({"path": "item.responsible_id", "op": "eq", "value": "sam"}, {"value": SAM}),
        ({"path": "responsible.id", "op": "in", "value": ["sam", WES]}, {"value": [SAM, WES]}),
        ({"path": "item.fields.joiners", "op": "contains", "value": "warehouse"}, {"value": WES}),
        ({"path": "var.keeper", "op": "ne", "value": "warehouse"}, {"value": WES}),
        ({"path": "supervisor.id", "op": "eq", "value": {"path": "item.responsible_id"}}, {}),
        ({"path": "item.title", "op": "eq", "value": "sam"}, {}),
        ({"path": "item.responsible_id", "op": "empty"}, {}),
    ],
)
def test_codes_of_employees_become_ids_in_conditions_too(
    written: dict[str, Any], stored: dict[str, Any], new_id: Callable[[], UUID]
) -> None:
    keeper = Definition("variable", "keeper", VariableDocument(name="Keeper", type="user"))
    each = {"some": "item.fields.joiners", "where": {"path": "each", "op": "eq", "value": "sam"}}
    nested = {"all": [{"any": [written]}, {"not": written}, each]}
    made = with_ids(document(rule("it", "send_sms", text="Hi", condition=nested)), [], new_id)
    assert RuleSetCheck(made, SCHEMA, REGISTRY, definitions=[keeper]).issues() == []
    (chain,) = compile_document(made, SCHEMA, REGISTRY, [keeper])["new"]
    each_stored = each | {"where": each["where"] | {"value": SAM}}  # type: ignore[operator]
    condition = chain.rules()[0].condition
    assert condition is not None
    one = {"path": None, "op": None, "value": None} | written | stored
    expected = {"all": [{"any": [one]}, {"not": one}, each_stored]}
    assert condition.model_dump(mode="json", by_alias=True) == expected


def test_conditions_compare_with_archived_employees_too(new_id: Callable[[], UUID]) -> None:
    sam, *others = reversed(SCHEMA.employees)
    schema = SCHEMA.model_copy(update={"employees": tuple(others), "archived_employees": (sam,)})
    was_sams = {"path": "item.responsible_id", "op": "eq", "value": "sam"}
    made = with_ids(document(rule("it", "send_sms", text="Hi", condition=was_sams)), [], new_id)
    assert RuleSetCheck(made, schema, REGISTRY).issues() == []
    (chain,) = compile_document(made, schema, REGISTRY)["new"]
    condition = chain.rules()[0].condition
    assert condition is not None
    assert condition.model_dump(mode="json")["value"] == SAM
    assert list(named_in(chain.rules()[0], UUID(SAM))) == ["condition.value"]


def test_a_program_reads_back_as_it_was_written(new_id: Callable[[], UUID]) -> None:
    condition = {"not": {"all": [{"path": "item.title", "op": "empty"}]}}
    written = rule_set(new=[rule("it", "send_sms", text="Hi", condition=condition, run={"when": "after", "days": 1})])
    (chain,) = programs(written, new_id)["new"]
    assert Program.model_validate(chain.model_dump(mode="json", by_alias=True)) == chain
