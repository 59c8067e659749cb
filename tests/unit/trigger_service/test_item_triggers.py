"""Triggers that follow what is changed about items, tasks, bookings and linked items."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from contracts.contexts import FieldSchema, PipelineSchema, StageContext, TenantSchema, TenantSettings
from contracts.messages.entity_events import FieldsChanged, ResourceBooked, StageChanged, TaskChanged
from contracts.values import ItemSnapshot
from trigger_service.triggers.base import Occurrence, TriggerType
from trigger_service.triggers.items import FieldChanged, ResponsibleChanged, TaskStatusReached
from trigger_service.triggers.linked_items import LinkedItemStage
from trigger_service.triggers.resources import ResourceBookedTrigger

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEAL = UUID("00000000-0000-7000-8000-000000000001")
MANAGER = UUID("00000000-0000-7000-8000-0000000000aa")
STAGES = (StageContext(code="issued", name="Issued", position=0), StageContext(code="void", name="Void", position=1))
SCHEMA = TenantSchema(
    tenant_id=DEAL,
    tenant=TenantSettings(name="Shop"),
    pipelines=(
        PipelineSchema(code="sales", name="Sales", kind="deal", stages=STAGES[:1]),
        PipelineSchema(code="invoices", name="Invoices", kind="invoice", stages=STAGES),
    ),
    fields=(FieldSchema(code="wood", name="Wood", kind="deal", type="text"),),
    resources=("van",),
)


def item(**fields: Any) -> ItemSnapshot:
    base = {"id": DEAL, "kind": "deal", "title": "Oak table", "pipeline": "sales", "stage": "issued", "version": 2}
    return ItemSnapshot.model_validate({**base, "entry_seq": 1, "created_at": NOW, "updated_at": NOW, **fields})


def changed(snapshot: ItemSnapshot, **previous: Any) -> FieldsChanged:
    names = tuple(name.replace("__", ".") for name in previous)
    former = dict(zip(names, previous.values(), strict=True))
    return FieldsChanged(item=snapshot, changed=names, previous=former, changed_by="somebody", at=NOW)


def test_a_changed_field_is_found_with_its_old_and_new_value_where_paths_of_items_find_it() -> None:
    event = changed(item(title="Ash table", fields={"wood": "ash", "seats": 8}), title="Oak table", fields__wood="oak")
    found = FieldChanged().occurrence(event)
    assert (found.items, found.facts["changed"]) == ((DEAL,), ["title", "fields.wood"])
    assert found.facts["old"] == {"title": "Oak table", "fields": {"wood": "oak"}}
    assert found.facts["new"] == {"title": "Ash table", "fields": {"wood": "ash"}}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([], None),
        (["amount", "fields.wood"], None),
        (["amount"], "title, fields.wood changed, the trigger waits for amount"),
    ],
)
def test_one_of_the_fields_that_are_waited_for_has_to_change(fields: list[str], reason: str | None) -> None:
    assert mismatch(FieldChanged(), {"fields": fields}, {"changed": ["title", "fields.wood"]}) == reason


def mismatch(kind: TriggerType[Any], settings: dict[str, Any], facts: dict[str, Any]) -> str | None:
    return kind.mismatch(kind.settings.model_validate(settings), facts)


def test_a_responsible_person_is_changed_only_when_it_says_so() -> None:
    assert ResponsibleChanged().occurrence(changed(item(), title="Ash table")) is None
    given = ResponsibleChanged().occurrence(changed(item(responsible_id=MANAGER), responsible_id=None))
    assert given is not None
    assert (given.facts["old"], given.facts["new"]) == (None, str(MANAGER))


def task(status: str, **changes: Any) -> TaskChanged:
    fields = {"task_id": DEAL, "item_id": DEAL, "name": "Call", "assignee_id": MANAGER, "previous": "open", "at": NOW}
    return TaskChanged.model_validate({**fields, "status": status, **changes})


def test_a_task_that_ended_because_the_item_left_its_stage_sets_nothing_off() -> None:
    assert TaskStatusReached().occurrence(task("done", left_stage=True)) is None
    done = facts_of(TaskStatusReached().occurrence(task("done")))
    assert mismatch(TaskStatusReached(), {}, done) is None
    assert mismatch(TaskStatusReached(), {"status": "cancelled"}, done) is not None


def facts_of(found: Occurrence | None) -> dict[str, Any]:
    assert found is not None
    return dict(found.facts)


def booked(kind: str) -> ResourceBooked:
    fields = {"booking_id": DEAL, "item_id": DEAL, "resource": "van", "service": "", "start": NOW, "end": NOW}
    return ResourceBooked.model_validate({**fields, "kind": kind, "at": NOW})


def test_a_booked_resource_is_one_that_is_waited_for_and_a_room_is_none() -> None:
    assert ResourceBookedTrigger().occurrence(booked("room")) is None
    facts = facts_of(ResourceBookedTrigger().occurrence(booked("resource")))
    answers = [mismatch(ResourceBookedTrigger(), {"resource": code}, facts) is None for code in (None, "van", "crane")]
    assert answers == [True, True, False]


def entered(*, automation: bool = True) -> StageChanged:
    snapshot = item(kind="invoice", pipeline="invoices", stage="void")
    fields = {"from_pipeline": "invoices", "from_stage": "issued", "to_pipeline": "invoices", "to_stage": "void"}
    return StageChanged.model_validate(
        {"item": snapshot, "entry_seq": 2, **fields, "origin": "user", "changed_by": "x", "at": NOW}
        | {"automation": automation}
    )


def test_a_linked_item_concerns_those_that_it_is_linked_with_unless_its_entry_starts_no_automation() -> None:
    found = LinkedItemStage().occurrence(entered())
    assert found is not None
    assert (found.items, found.linked_with) == ((), DEAL)
    assert LinkedItemStage().occurrence(entered(automation=False)) is None


@pytest.mark.parametrize(
    ("settings", "matches"),
    [
        ({}, True),
        ({"type": "invoice", "pipeline": "invoices", "stage": "void"}, True),
        ({"type": "lead"}, False),
        ({"pipeline": "sales"}, False),
        ({"stage": "issued"}, False),
    ],
)
def test_the_linked_items_type_pipeline_and_stage_are_compared(settings: dict[str, str], matches: bool) -> None:
    facts = facts_of(LinkedItemStage().occurrence(entered()))
    assert (mismatch(LinkedItemStage(), settings, facts) is None) == matches


@pytest.mark.parametrize(
    ("kind", "settings", "where"),
    [
        (FieldChanged(), {"fields": ["title", "products", "fields.wood"]}, []),
        (FieldChanged(), {"fields": ["title", "fields.metal"]}, ["fields[1]"]),
        (ResourceBookedTrigger(), {"resource": "van"}, []),
        (ResourceBookedTrigger(), {"resource": "crane"}, ["resource"]),
        (LinkedItemStage(), {"type": "invoice", "stage": "void"}, []),
        (LinkedItemStage(), {"type": "project"}, ["type"]),
        (LinkedItemStage(), {"pipeline": "repairs"}, ["pipeline"]),
        (LinkedItemStage(), {"type": "deal", "stage": "void"}, ["stage"]),
    ],
)
def test_settings_that_name_what_the_tenant_does_not_have_say_so(
    kind: TriggerType[Any], settings: dict[str, Any], where: list[str]
) -> None:
    found = kind.issues(kind.settings.model_validate(settings), "sales", SCHEMA)
    assert [place for place, _ in found] == where
