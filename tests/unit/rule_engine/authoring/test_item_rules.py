"""The rule types about items and their links: the command each one makes, and what is refused at publishing."""

from typing import Any
from uuid import UUID

import pytest

from contracts.messages.entity_commands import CreateFollowUp, FieldAssignment, MoveCandidate, MoveItem
from contracts.messages.link_commands import (
    ConvertItem,
    DeleteItem,
    DeleteLinkedItems,
    LinkItems,
    ReadItem,
    SetParentItem,
    UnlinkItems,
    UpdateLinkedItems,
)
from contracts.messages.party_commands import AddToExceptions, ChangeRequisites
from contracts.requisites import Requisites
from contracts.values import Money
from rule_engine.domain.actions import AuthoringContext, Failure, Refusal
from rule_engine.rules import REGISTRY
from support.acting import act
from support.shop import COMPANY, CONTACT, DEAL, SCHEMA, SELLER, deal

OTHER = UUID(int=99)
SAID: dict[str, Any] = {"item_id": DEAL, "expect_entry_seq": 2, "actor": "rule:it"}
SET = {"fields": [{"field": "title", "value": "Ash"}]}
ASSIGNED = (FieldAssignment(field="title", value="Ash"),)


@pytest.mark.parametrize(
    ("type", "params", "command"),
    [
        ("delete_item", {}, DeleteItem(**SAID)),
        ("get_item_data", {"item": OTHER, "fields": ["title"]}, ReadItem(**SAID, other_id=OTHER, fields=("title",))),
        (
            "update_linked_item",
            {"link": "child", "kind": "deal", "which": "all"} | SET,
            UpdateLinkedItems(**SAID, link="child", other_kind="deal", which="all", assignments=ASSIGNED),
        ),
        ("delete_linked_item", {"link": "copy"}, DeleteLinkedItems(**SAID, link="copy")),
        ("link_items", {"item": OTHER}, LinkItems(**SAID, other_id=OTHER)),
        ("unlink_items", {"kind": "lead"}, UnlinkItems(**SAID, other_kind="lead")),
        (
            "create_from_source",
            {"target": "quote", "keep_activities_open": False},
            ConvertItem(**SAID, target="quote", keep_activities_open=False),
        ),
        ("add_to_exceptions", {"which": "all"}, AddToExceptions(**SAID, which="all")),
        (
            "change_requisites",
            {"party": "company", "template": "organisation", "fields": {"city": "Bonn", "tax_number": None}},
            ChangeRequisites(
                **SAID,
                party="company",
                party_id=COMPANY,
                template="organisation",
                values={"city": "Bonn", "tax_number": None},
            ),
        ),
        ("set_parent_item", {"item": None}, SetParentItem(**SAID, parent_id=None)),
        (
            "change_pipeline",
            {"pipeline": "installation", "stage": "planned"},
            MoveItem(**SAID, candidates=(MoveCandidate(pipeline="installation", stage="planned"),)),
        ),
        (
            "create_item",
            {"kind": "lead", "name": "Again", "fields": [{"field": "source", "value": "x"}], "link": False},
            CreateFollowUp(
                **SAID,
                kind="lead",
                title="Again",
                responsible_id=SELLER.id,
                contact_ids=(CONTACT,),
                company_id=COMPANY,
                source="x",
                linked=False,
            ),
        ),
    ],
)
def test_commands_about_items(type: str, params: dict[str, Any], command: Any) -> None:
    assert act(type, params) == command


def test_a_new_item_may_come_without_the_client_and_with_custom_fields() -> None:
    fields = [{"field": "fields.budget", "value": {"amount": 5, "currency": "EUR"}}]
    made = act("create_item", {"kind": "lead", "name": "x", "with_client": False, "fields": fields})
    assert (made.contact_ids, made.company_id) == ((), None)
    assert made.fields == {"budget": {"amount": 5, "currency": "EUR"}}


@pytest.mark.parametrize("type", ["get_item_data", "update_linked_item", "delete_linked_item"])
@pytest.mark.parametrize("both", [{}, {"item": str(OTHER), "link": "copy"}])
def test_another_item_is_named_in_one_way(type: str, both: dict[str, Any]) -> None:
    needed: dict[str, dict[str, Any]] = {"get_item_data": {"fields": ["title"]}, "update_linked_item": SET}
    more = needed.get(type, {})
    assert isinstance(act(type, both | more), Failure)
    assert [one.where for one in issues(type, both | more)] == ["item"]


def issues(type: str, params: dict[str, Any], stage: str = "new") -> list[Any]:
    return list(REGISTRY[type].issues(params, AuthoringContext(SCHEMA, SCHEMA.pipelines[0], stage)))


def test_what_is_read_of_an_item_can_be_named_by_later_rules() -> None:
    kind = REGISTRY["get_item_data"]
    params: dict[str, Any] = {"link": "parent", "fields": ["title", "fields.wood"]}
    assert kind.outputs_with(params, SCHEMA).model_fields.keys() == {"item_id", "title", "wood"}
    assert kind.outputs_of({"item_id": "1", "values": {"title": "x", "fields.wood": "oak"}}) == {
        "item_id": "1",
        "title": "x",
        "wood": "oak",
    }
    (unknown,) = issues("get_item_data", {"link": "parent", "fields": ["fields.wod"]})
    assert "fields.wod" in unknown.what


def test_a_change_of_pipeline_is_an_edge_of_cycles_and_must_lead_to_a_place_that_exists() -> None:
    context = AuthoringContext(SCHEMA, SCHEMA.pipelines[0], "new")
    kind = REGISTRY["change_pipeline"]
    assert kind.leads_to({"pipeline": "installation", "stage": "planned"}, context) == ("installation", "planned")
    assert [one.where for one in issues("change_pipeline", {"pipeline": "old", "stage": "new"})] == ["pipeline"]
    assert [one.where for one in issues("change_pipeline", {"pipeline": "leads", "stage": "incoming"})] == ["pipeline"]
    assert REGISTRY["create_item"].leads_to({"kind": "lead", "name": "x"}, context) == ("leads", "incoming")


def test_products_are_read_with_their_count_and_their_total() -> None:
    found = act("get_products", {})
    assert [(row.name, row.quantity, row.total.currency) for row in found.rows] == [
        ("Oak table", 2, "EUR"),
        ("Chair", 4.5, "EUR"),
    ]
    assert (found.count, found.total) == (2, Money(amount=146_311, currency="EUR"))
    none = act("get_products", {}, deal(products=()))
    assert (none.rows, none.count, none.total) == ((), 0, None)


@pytest.mark.parametrize(
    ("params", "where", "what"),
    [
        ({"target": "contact"}, "target", "of a deal can be made: invoice, quote"),
        ({"target": "quote"}, "pipeline", "there is no open pipeline for quotes"),
        ({"target": "quote", "pipeline": "leads"}, "pipeline", "there is no open pipeline 'leads' for quotes"),
    ],
)
def test_what_cannot_be_made_of_a_deal_is_refused_at_publishing(params: dict[str, Any], where: str, what: str) -> None:
    (issue,) = issues("create_from_source", params)
    assert (issue.where, what in issue.what) == (where, True), issue


def test_a_client_made_of_a_lead_is_in_no_pipeline() -> None:
    leads = next(one for one in SCHEMA.pipelines if one.kind == "lead")
    context, kind = AuthoringContext(SCHEMA, leads, "incoming"), REGISTRY["create_from_source"]
    (issue,) = kind.issues({"target": "contact", "pipeline": "sales"}, context)
    assert (issue.where, issue.what) == ("pipeline", "a contact is in no pipeline: leave it out")
    assert kind.leads_to({"target": "contact"}, context) is None
    assert kind.leads_to({"target": "deal"}, context) == ("sales", "new")


@pytest.mark.parametrize(
    ("fields", "where", "what"),
    [
        ({"tax_nmber": "1"}, "fields.tax_nmber", "did you mean 'tax_number'?"),
        ({"registered_on": "yesterday"}, "fields.registered_on", "date"),
        ({"country": {"const": "Germany"}}, "fields.country", "a country of ISO 3166 such as DE"),
        ({"name": 7}, "fields.name", "text"),
    ],
)
def test_requisites_that_there_are_not_are_refused_at_publishing(fields: Any, where: str, what: str) -> None:
    params = {"party": "company", "template": "organisation", "fields": fields}
    (issue,) = issues("change_requisites", params)
    assert (issue.where, what in issue.what) == (where, True), issue


@pytest.mark.parametrize("type", ["get_requisites", "change_requisites"])
def test_of_several_contacts_the_requisites_of_the_first_who_meets_a_condition_are_meant(type: str) -> None:
    person = Requisites.model_validate({"person": {"last_name": "Bell"}})
    other = deal().contacts[0].model_copy(update={"id": OTHER, "first_name": "Otto", "requisites": person})
    both = deal(contacts=(*deal().contacts, other))
    params: dict[str, Any] = {"party": "contact", "template": "person"}
    params |= {"fields": {"city": "Bonn"}} if type == "change_requisites" else {}

    def of(name: str) -> Any:
        return act(type, params | {"where": {"path": "each.first_name", "op": "eq", "value": name}}, both)

    meant = of("Otto")
    assert meant.party_id == OTHER if type == "change_requisites" else meant.last_name == "Bell"
    assert of("Nobody") == Refusal("no contact of the item meets the condition")
    wrong = {**params, "party": "company", "where": {"path": "each.first_name", "op": "filled"}}
    assert [one.where for one in issues(type, wrong)] == ["where"]
    assert isinstance(act(type, wrong), Failure)


def test_values_that_are_made_when_the_rule_acts_are_not_judged_before() -> None:
    fields = {"name": "{{ company.title }}", "registered_on": {"path": "item.fields.day"}, "city": None}
    assert not issues("change_requisites", {"party": "company", "template": "organisation", "fields": fields})


def test_requisites_are_read_with_one_address_and_can_be_named_by_later_rules() -> None:
    params = {"party": "company", "template": "organisation", "address_type": "delivery"}
    record = {"name": "Bell", "registered_on": "2020-02-29", "addresses": {"delivery": {"city": "Bonn"}}}
    company = deal().company
    assert company is not None
    known = company.model_copy(update={"requisites": Requisites.model_validate({"organisation": record})})

    found = act("get_requisites", params, deal(company=known)).model_dump(mode="json")

    assert (found["name"], found["registered_on"], found["address"]) == ("Bell", "2020-02-29", "Bonn")
    assert REGISTRY["get_requisites"].outputs_with(params, SCHEMA).model_fields.keys() <= found.keys()
    assert act("get_requisites", params).model_dump()["name"] == ""
    assert act("get_requisites", params, deal(company=None)) == Refusal("the item has no company")
    assert REGISTRY["get_requisites"].needs_with(params) == ("company",)
