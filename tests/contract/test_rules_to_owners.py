"""What clients, visitors and employees gave goes through every rule type to its owner, and nobody refuses it.

Values come in through the APIs' own models; the engine's own steps make commands of them; commands go over JSON to the
owners' own checks, and what leaves the house is built as it leaves. Left out is what only a peer or consent knows.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from contract.accepted import FIELDS, ID, NOW, SELLER, around, contexts, item_with, tenant_with
from contract.owners import DEFINITIONS, OWNERS, PIPELINES
from contracts.contexts import EmployeeRef, ItemContext, TenantSchema, TenantSettings
from contracts.envelope import Body
from contracts.inputs import unkeepable
from contracts.messages.comms import SendMessage
from rule_engine.blocks import BLOCKS
from rule_engine.domain.authoring.checks import RuleSetCheck
from rule_engine.domain.authoring.compiling import compile_document, with_ids
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.execution.advance import advance, begin
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import Entry
from rule_engine.domain.execution.step import RunFacts, Step
from rule_engine.domain.language.variables import Stored, by_name
from rule_engine.domain.schedule.due import times_of
from rule_engine.rules import REGISTRY
from support.shop import SCHEMA as SHOP

SCHEMA = TenantSchema(
    tenant_id=ID,
    tenant=TenantSettings(name="Shop"),
    pipelines=tuple(PIPELINES.values()),
    fields=FIELDS,
    lists=SHOP.lists,
    resources=("van",),
    employees=(EmployeeRef(id=SELLER, code="seller", name="Sam"),),
)
PLAIN = ("item.title", "item.source", "contact.name", "company.title", "company.tax_number", "responsible.name")
LONG = ("company.address", "my_company.address", "my_company.name", "tenant.name", "stage.name", "supervisor.position")
PRINTED = tuple(
    f"item.fields.{field.code}" + (" | join: '; '" if field.multiple else "")
    for field in FIELDS
    if field.type not in ("money", "file")
)
LINE = "For: " + " ".join(f"{{{{ {path} }}}}" for path in PLAIN)
TEXT = "\n".join(
    [
        *(f"{{{{ {path} }}}}" for path in (*PLAIN, *LONG, *PRINTED)),
        "{% for row in products %}{{ row.quantity }} {{ row.unit }} {{ row.name }} {{ row.total | money }}{% endfor %}",
        "{{ item.amount | money }} {{ item.fields.money0 | money }}",
    ]
)
VALUES = {f"a_{field.code}": {"path": f"item.fields.{field.code}"} for field in FIELDS}
COPIES = [f"fields.{field.code}" for field in FIELDS]
RULES: Mapping[str, Mapping[str, Any]] = {
    "send_email": {"subject": LINE, "text": TEXT, "attachments": [{"path": "item.fields.file0"}]},
    "send_sms": {"text": LINE + " {{ item.fields.text0 }}"},
    "notify_supervisor": {"text": TEXT},
    "create_task": {
        "name": LINE,
        "description": TEXT,
        "deadline": {"in": {"days": 1}, "at": "14:00"},
        "checklist": [LINE, *(f"{{{{ {path} }}}}" for path in (*PLAIN, *PRINTED))],
        "tags": [LINE, *(f"{{{{ {path} }}}}" for path in PLAIN)],
    },
    "plan_activity": {
        "name": LINE,
        "description": TEXT,
        "deadline": {"in": {"days": 1}, "at": "14:00"},
        "clients": "all",
        "address": LINE,
        "files": [{"path": "item.fields.file0"}],
    },
    "schedule_call": {"subject": LINE, "description": TEXT, "date": {"in": {"hours": 1}}},
    "schedule_meeting": {"subject": LINE, "description": TEXT, "date": {"in": {"days": 1}, "at": "14:00"}},
    "complete_activities": {"kinds": ["call"]},
    "book_resource": {"resource": "van", "service": LINE, "start": {"in": {"hours": 1}}, "minutes": 60},
    "notify_employee": {"text": TEXT, "sender": "seller"},
    "add_timeline_comment": {"text": TEXT},
    "add_history_entry": {"text": LINE, "author": "seller"},
    "change_observers": {"observers": [{"path": "item.responsible_id"}]},
    "change_responsible": {"employees": ["seller", {"path": "item.responsible_id"}]},
    "get_employee": {},
    "select_employee": {"employees": [{"path": "item.responsible_id"}], "reserve": ["seller"]},
    "generate_code": {},
    "create_payment_link": {"amount": {"const": {"amount": 1, "currency": "EUR"}}},
    "get_payment": {},
    "create_shipment": {
        "address": "To: " + TEXT,
        "window": {"start": {"in": {"days": 1}}, "end": {"in": {"days": 1, "hours": 4}}},
    },
    "allow_delivery": {},
    "cancel_shipment": {},
    "get_delivery": {},
    "create_qr_code": {"title": LINE, "description": TEXT, "address": "https://shop.example/care"},
    "complete_tasks": {},
    "list_item_create": {
        "list": "notes",
        "fields": [
            {"field": "text", "value": LINE},
            {"field": "price", "value": {"path": "item.amount"}},
            {"field": "who", "value": [{"path": "item.responsible_id"}]},
        ],
    },
    "list_item_update": {
        "list": "notes",
        "id": {"path": "item.id"},
        "fields": [{"field": "size", "value": {"path": "item.activity_count"}}],
    },
    "list_item_read": {"list": "notes", "id": {"path": "item.id"}},
    "create_repeat_lead": {"name": LINE, "source": LINE},
    "copy_deal": {"name": LINE, "pipeline": "works"},
    "create_document": {"template": "invoice", "fields": {"company.address": TEXT, "item.title": LINE}},
    "change_requisites": {
        "party": "company",
        "template": "organisation",
        "fields": {"name": "{{ company.title }}", "tax_number": {"path": "company.tax_number"}, "city": "Bonn"},
    },
    "get_requisites": {"party": "company", "template": "organisation"},
    "create_from_source": {"target": "quote"},
    "add_to_exceptions": {},
    "update_item": {
        "fields": [
            {"field": "title", "value": LINE},
            {"field": "source", "value": LINE},
            {"field": "amount", "value": {"path": "item.amount"}},
            *({"field": name, "value": {"path": f"item.{name}"}} for name in COPIES),
        ]
    },
    "change_stage": {"stage": "won"},
    "change_pipeline": {"pipeline": "works", "stage": "won"},
    "create_item": {
        "kind": "deal",
        "name": LINE,
        "pipeline": "works",
        "fields": [
            {"field": "amount", "value": {"path": "item.amount"}},
            *({"field": name, "value": {"path": f"item.{name}"}} for name in COPIES),
        ],
    },
    "get_item_data": {"link": "parent", "fields": ["title"]},
    "update_linked_item": {"link": "child", "fields": [{"field": "title", "value": {"path": "item.title"}}]},
    "delete_linked_item": {"link": "copy"},
    "delete_item": {},
    "get_products": {},
    "update_contact": {
        "which": "matching",
        "where": {"path": "each.id", "op": "filled"},
        "fields": [
            *({"field": name, "value": {"path": f"contact.{name}"}} for name in ("first_name", "last_name")),
            *({"field": name, "value": {"path": f"contact.{name}"}, "append": True} for name in ("phones", "emails")),
        ],
    },
    "update_company": {
        "fields": [
            {"field": "title", "value": LINE},
            *({"field": name, "value": {"path": f"company.{name}"}} for name in ("phones", "emails", "address")),
        ]
    },
    "create_contact": {
        "fields": [
            {"field": "first_name", "value": LINE},
            *({"field": name, "value": {"path": f"contact.{name}"}} for name in ("phones", "emails")),
        ]
    },
    "create_company": {
        "fields": [
            {"field": "title", "value": LINE},
            *({"field": name, "value": {"path": f"company.{name}"}} for name in ("address", "tax_number")),
        ]
    },
    "add_products": {
        "rows": [
            {
                "name": LINE,
                "price": {"amount": 100, "currency": "EUR"},
            }
        ]
    },
    "copy_products": {"link": "child", "where": {"path": "each.quantity", "op": "gt", "value": 0}},
    "move_products": {"link": "child"},
    "delete_products": {"where": {"path": "each.name", "op": "filled"}},
    "link_items": {"item": {"path": "item.id"}},
    "unlink_items": {"item": {"path": "item.id"}},
    "set_parent_item": {"item": {"path": "item.id"}},
    "set_variable": {"variable": "a_line", "value": {"path": "item.title"}},
    "start_workflow": {"workflow": "welcome", "parameters": {"a_line": LINE, "a_text": TEXT, **VALUES}},
    "stop_workflows": {"workflow": "welcome"},
    "stop_automation": {"stage": "won"},
    "calculate": {
        "values": [
            {"name": "line", "value": "{{ contact.name }}", "variable": "a_line"},
            {"name": "text", "value": TEXT, "variable": "a_text"},
            *(
                {"name": field.code, "value": {"path": f"item.fields.{field.code}"}, "variable": f"a_{field.code}"}
                for field in FIELDS
            ),
        ]
    },
}
"""Of every rule type one that writes values wherever it takes a text, and takes over values of every type."""
FILE = {"file_id": str(ID), "name": "plan.pdf", "sha256": "0" * 64, "media_type": "application/pdf"}


def test_every_rule_type_is_tried() -> None:
    assert RULES.keys() == REGISTRY.keys()


@pytest.mark.parametrize("type", RULES)
@settings(deadline=None, max_examples=6, suppress_health_check=list(HealthCheck))
@given(context=contexts())
def test_what_was_accepted_is_refused_by_no_rule_and_no_owner(type: str, context: ItemContext) -> None:
    goes_through(type, context)


FOUND: Mapping[str, Mapping[str, Any]] = {
    "a number that rules do not read": {"number0": 1e-300, "number1": [5e-324]},
    "a file whose name no mail could carry": {"file0": FILE | {"name": "\x1fplan.pdf"}},
    "a text of many lines and of control characters": {"text0": "Oak\x96table\n" * 700},
    "the longest texts": {"title": "x" * 500, "source": "x" * 200, "text0": "n" * 10_000},
    "nothing": {"text0": "", "source": ""},
}


@pytest.mark.parametrize("type", RULES)
@pytest.mark.parametrize("given", FOUND)
def test_what_was_found_goes_through(type: str, given: str) -> None:
    goes_through(type, around(item_with(FOUND[given]), tenant_with({"language": "de-QQ"})))


def goes_through(type: str, context: ItemContext) -> None:
    step = acted(type, params_for(type, context), context)
    (progress,) = step.state.rules.values()
    assert progress.state in ("running", "done"), progress.reason
    assert unkeepable([one.value for one in step.assigned]) is None
    for emission in step.emissions:
        body = type_of(emission.body).model_validate_json(emission.body.model_dump_json())
        OWNERS[type_of(body)](body, context)


@settings(deadline=None, max_examples=6, suppress_health_check=list(HealthCheck))
@given(context=contexts())
def test_what_was_accepted_can_be_sent_as_html(context: ItemContext) -> None:
    params = {"subject": LINE, "text": f"<p dir='auto'>{TEXT}</p>", "html": True}
    (emission,) = acted("send_email", params, context).emissions
    OWNERS[SendMessage](SendMessage.model_validate_json(emission.body.model_dump_json()), context)


def type_of(body: Body) -> type[Body]:
    return type(body)


def params_for(type: str, context: ItemContext) -> Mapping[str, Any]:
    """The rule's parameters; a file is attached where there is one."""
    if "file0" in context.item.fields:
        return RULES[type]
    return {name: [] if name in ("attachments", "files") else value for name, value in RULES[type].items()}


def acted(type: str, params: Mapping[str, Any], context: ItemContext) -> Step:
    """The rule when the item has entered the stage."""
    made = published(type, json.dumps(params))
    entry = Entry(context.item.id, context.item.entry_seq, NOW, context.item)
    facts = RunFacts(ID, REGISTRY, Stored(by_name(DEFINITIONS)))
    return advance(made, begin(made, entry, times_of(context.tenant)), entry, context, NOW, facts)


@cache
def published(type: str, params: str) -> Program:
    """The program of a rule as it is published, once for the same parameters."""
    rule = {"name": "it", "type": type, "params": json.loads(params)}
    document = RuleSetDocument.model_validate({"pipeline": "sales", "stages": {"new": {"rules": [rule]}}})
    assert RuleSetCheck(document, SCHEMA, REGISTRY, definitions=DEFINITIONS).issues() == []
    programs = compile_document(with_ids(document, [], lambda: ID), SCHEMA, REGISTRY, DEFINITIONS)
    return programs["new"][0].bound(BLOCKS)
