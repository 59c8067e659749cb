"""The rule types about items and their links: the command each one makes, and what is refused at publishing."""

from typing import Any
from uuid import UUID

import pytest

from contracts.messages.entity_commands import CreateFollowUp, FieldAssignment, MoveCandidate, MoveItem
from contracts.messages.link_commands import (
    DeleteItem,
    DeleteLinkedItems,
    LinkItems,
    ReadItem,
    SetParentItem,
    UnlinkItems,
    UpdateLinkedItems,
)
from contracts.values import Money
from rule_engine.domain.actions import AuthoringContext, Failure
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
    assert kind.outputs_with(params).model_fields.keys() == {"item_id", "title", "wood"}
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
