"""Rules on items of a tenant's own type: what they can name and do, and that unknown types are refused."""

from typing import Any

import pytest

from contracts.contexts import FieldSchema, PipelineSchema, StageContext
from contracts.item_types import ItemType
from rule_engine.blocks import BLOCKS
from rule_engine.domain.actions import UNASKED
from rule_engine.domain.authoring.checks import RuleSetCheck
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.workflow_checks import WorkflowCheck
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.rules import REGISTRY
from support.shop import SCHEMA, rule

PLANNED = StageContext(code="planned", name="Planned", position=0)
OWN = SCHEMA.model_copy(
    update={
        "item_types": (
            ItemType(code="project", title={"en": "Project"}),
            ItemType(code="inspection", title={"en": "Inspection"}, has_clients=False, has_products=False),
        ),
        "pipelines": (
            *SCHEMA.pipelines,
            PipelineSchema(code="projects", name="Projects", kind="project", stages=(PLANNED,)),
            PipelineSchema(code="inspections", name="Inspections", kind="inspection", stages=(PLANNED,)),
        ),
        "fields": (*SCHEMA.fields, FieldSchema(code="place", name="Place", kind="inspection", type="text")),
        "rooms": ("oak",),
        "resources": ("van",),
    }
)
NO_CLIENTS, NO_PRODUCTS = ("items of type 'inspection' have no clients", "items of type 'inspection' have no products")


def issues(pipeline: str, type: str, /, **written: Any) -> list[tuple[str, str]]:
    document = {"pipeline": pipeline, "stages": {"planned": {"rules": [rule("it", type, **written)]}}}
    found = RuleSetCheck(RuleSetDocument.model_validate(document), OWN, REGISTRY).issues()
    return [(one.where.removeprefix("stages.planned.rules[0]."), one.what) for one in found]


@pytest.mark.parametrize(
    ("type", "written"),
    [
        ("create_item", {"kind": "inspection", "name": "x", "fields": [{"field": "fields.place", "value": "y"}]}),
        ("create_item", {"kind": "{{ item.title }}", "name": "x"}),
        ("update_linked_item", {"link": "child", "kind": "inspection", "fields": [{"field": "title", "value": "x"}]}),
        ("unlink_items", {"kind": "project"}),
        ("send_sms", {"text": "Hello {{ contact.first_name }}"}),
        ("get_products", {}),
        ("add_timeline_comment", {"text": "x", "condition": {"path": "item.kind", "op": "eq", "value": "project"}}),
        ("plan_activity", {"name": "x", "room": "oak", "deadline": {"at": "08:00"}}),
    ],
)
def test_a_type_of_ones_own_is_like_any_other(type: str, written: dict[str, Any]) -> None:
    assert issues("projects", type, **written) == []


@pytest.mark.parametrize(
    ("pipeline", "type", "written", "where", "what"),
    [
        (
            "projects",
            "create_item",
            {"kind": "projekt", "name": "x"},
            "params.kind",
            "there is no item type 'projekt': did you mean 'project'?",
        ),
        (
            "projects",
            "delete_linked_item",
            {"link": "child", "kind": "inspektion"},
            "params.kind",
            "there is no item type 'inspektion': did you mean 'inspection'?",
        ),
        ("projects", "unlink_items", {"kind": "Deal"}, "params.kind", "expected an item type: lead, deal, quote"),
        ("projects", "create_repeat_lead", {"name": "x"}, "type", "create_repeat_lead is for deal, not for project"),
        ("inspections", "send_sms", {"text": "x"}, "type", f"send_sms cannot act: {NO_CLIENTS}"),
        ("inspections", "get_products", {}, "type", f"get_products cannot act: {NO_PRODUCTS}"),
        (
            "inspections",
            "get_requisites",
            {"party": "contact", "template": "person"},
            "type",
            f"get_requisites cannot act: {NO_CLIENTS}",
        ),
        ("inspections", "add_timeline_comment", {"text": "{{ contact.name }}"}, "params.text", NO_CLIENTS),
        (
            "inspections",
            "add_timeline_comment",
            {"text": "x", "condition": {"path": "products", "op": "filled"}},
            "condition.path",
            NO_PRODUCTS,
        ),
        (
            "inspections",
            "update_item",
            {"fields": [{"field": "contact_ids", "value": []}]},
            "params.fields[0].field",
            NO_CLIENTS,
        ),
        (
            "projects",
            "create_item",
            {"kind": "inspection", "name": "x", "fields": [{"field": "company_id", "value": None}]},
            "params.fields[0].field",
            NO_CLIENTS,
        ),
        (
            "projects",
            "add_timeline_comment",
            {"text": "x", "condition": {"path": "item.kind", "op": "eq", "value": "projekt"}},
            "condition",
            "item.kind is one of lead, deal, quote, invoice, project, inspection, never 'projekt'",
        ),
        (
            "projects",
            "copy_products",
            {"link": "child", "kind": "inspection"},
            "params.kind",
            NO_PRODUCTS,
        ),
        (
            "projects",
            "plan_activity",
            {"name": "x", "room": "oka", "deadline": {"at": "08:00"}},
            "params.room",
            "there is no room 'oka': did you mean 'oak'?",
        ),
        (
            "sales",
            "book_resource",
            {"resource": "oak", "start": {"at": "08:00"}, "minutes": 60},
            "params.resource",
            "there is no resource 'oak': there are van",
        ),
    ],
)
def test_what_the_tenant_does_not_have_is_refused_at_publishing(
    pipeline: str, type: str, written: dict[str, Any], where: str, what: str
) -> None:
    stage = "planned" if pipeline != "sales" else "new"
    document = {"pipeline": pipeline, "stages": {stage: {"rules": [rule("it", type, **written)]}}}
    (found,) = RuleSetCheck(RuleSetDocument.model_validate(document), OWN, REGISTRY).issues()
    assert found.where == f"stages.{stage}.rules[0].{where}"
    assert what in found.what


@pytest.mark.parametrize(("kind", "what"), [("project", None), ("projekt", "there is no item type 'projekt'")])
def test_a_workflow_runs_on_items_of_a_type_that_there_is(kind: str, what: str | None) -> None:
    document = {"kind": kind, "blocks": [{"block": "log", "name": "it", "text": "{{ contact.name }}"}]}
    check = WorkflowCheck(WorkflowDocument.model_validate(document), OWN, REGISTRY, BLOCKS, (), UNASKED)
    found = [(one.where, one.what) for one in check.issues()]
    assert [where for where, _ in found] == ([] if what is None else ["kind"])
    assert all(what in said for _, said in found if what)


def test_a_workflow_cannot_name_clients_of_items_that_have_none() -> None:
    document = {"kind": "inspection", "blocks": [{"block": "log", "name": "it", "text": "{{ contact.name }}"}]}
    check = WorkflowCheck(WorkflowDocument.model_validate(document), OWN, REGISTRY, BLOCKS, (), UNASKED)
    assert [one.what for one in check.issues()] == [NO_CLIENTS]
