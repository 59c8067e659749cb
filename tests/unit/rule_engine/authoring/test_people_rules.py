"""The rule types about people and the timeline: the command each one makes, and why it cannot."""

from typing import Any
from uuid import UUID

import pytest

from contracts.messages.employee_commands import ChangeObservers, ChangeResponsible, ReadEmployee, SelectEmployee
from contracts.messages.entity_commands import AddTimelineEntry, CompleteTasks
from rule_engine.domain.actions import Failure
from rule_engine.rules import REGISTRY
from support.acting import act
from support.shop import DEAL, HEAD, SELLER, WAREHOUSE, deal


def test_a_notification_goes_to_employees_departments_and_roles_once_each() -> None:
    colleague = UUID(int=71)
    item = deal().item.model_copy(update={"observer_ids": (colleague, WAREHOUSE.id)})
    context = deal(item=item, members={"sales": (SELLER.id, colleague)})
    params = {"text": "Look", "employees": [str(WAREHOUSE.id)], "departments": ["sales"], "sender": str(HEAD.id)}
    command = act("notify_employee", params | {"roles": ["observers", "supervisor"]}, context)
    assert command.recipients == (WAREHOUSE.id, SELLER.id, colleague, HEAD.id)
    assert command.sender == str(HEAD.id)
    assert act("notify_employee", {"text": "Look"}, context).recipients == (SELLER.id,)


def test_a_notification_to_nobody_or_to_a_department_that_is_gone_fails() -> None:
    nobody = act("notify_employee", {"text": "Look", "roles": ["observers"]})
    assert isinstance(nobody, Failure)
    assert "nobody to notify" in nobody.reason
    assert act("notify_employee", {"text": "Look", "departments": ["sold"]}) == Failure("there is no department sold")


@pytest.mark.parametrize(
    ("params", "parts"),
    [
        ({}, {"reassignments"}),
        ({"departments": ["sales"]}, {"reassignments", "members"}),
        ({"roles": ["supervisor"]}, {"reassignments", "supervisor"}),
    ],
)
def test_only_the_parts_that_a_notification_needs_are_fetched(params: dict[str, Any], parts: set[str]) -> None:
    assert set(REGISTRY["notify_employee"].needs_with(params)) == parts


SAID: dict[str, Any] = {"item_id": DEAL, "expect_entry_seq": 2, "actor": "rule:it"}


@pytest.mark.parametrize(
    ("type", "params", "command"),
    [
        ("add_timeline_comment", {"text": "Look"}, AddTimelineEntry(**SAID, kind="comment", text="Look")),
        (
            "add_history_entry",
            {"text": "Look", "author": str(SELLER.id)},
            AddTimelineEntry(**SAID | {"actor": str(SELLER.id)}, kind="history", text="Look"),
        ),
        (
            "change_observers",
            {"observers": [str(HEAD.id)]},
            ChangeObservers(**SAID, action="add", observer_ids=(HEAD.id,)),
        ),
        (
            "change_responsible",
            {"departments": ["sales"], "method": "first_available"},
            ChangeResponsible(**SAID, departments=("sales",), method="first", turns_of="r1"),
        ),
        ("get_employee", {}, ReadEmployee(**SAID, employee_id=SELLER.id)),
        (
            "select_employee",
            {"method": "supervisor", "reserve": [str(HEAD.id)]},
            SelectEmployee(**SAID, method="supervisor", reserve_ids=(HEAD.id,)),
        ),
        ("complete_tasks", {}, CompleteTasks(**SAID, stage="new")),
        ("complete_tasks", {"stage": "won"}, CompleteTasks(**SAID, stage="won")),
    ],
)
def test_commands_about_people_and_tasks(type: str, params: dict[str, Any], command: Any) -> None:
    assert act(type, params, rule_id="r1") == command


def test_a_code_is_made_of_its_alphabet_and_is_the_same_however_often_it_is_decided() -> None:
    seeded: dict[str, Any] = {"values": {"seed": "run/1/0"}}
    code = act("generate_code", {"length": 12, "alphabet": "AB1"}, **seeded).code
    assert len(code) == 12
    assert set(code) <= set("AB1")
    assert act("generate_code", {"length": 12, "alphabet": "AB1"}, **seeded).code == code
    assert act("generate_code", {"length": 12}, values={"seed": "run/1/1"}).code != code
    assert isinstance(act("generate_code", {"alphabet": "AA"}, **seeded), Failure)
