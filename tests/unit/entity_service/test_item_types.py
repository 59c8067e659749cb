"""Types of one's own: what may become of one that is in use, and that items have only what their type lets them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from contracts.contexts import StageContext
from contracts.item_types import ItemType
from contracts.messages.entity_commands import FieldAssignment, NewItem
from entity_service.domain.errors import ConflictError, InvalidError
from entity_service.domain.item_types import CustomType, Usage, check_replacement
from entity_service.domain.items import Item, Place, References, assign, new_item
from support.shop import NOON

ID, CLIENT = UUID(int=1), UUID(int=2)


def project(**changes: Any) -> CustomType:
    return CustomType(code="project", title={"en": "Project"}, archived=False).model_copy(update=changes)


IN_USE = Usage(("projects", "repairs"), items=3, with_clients=2, with_products=1)


@pytest.mark.parametrize(
    ("new", "what"),
    [
        (project(archived=True), "in use by the pipeline 'projects', the pipeline 'repairs', 3 items"),
        (project(has_clients=False), "2 items of type 'project' have clients"),
        (project(has_products=False), "1 item of type 'project' have products"),
        (project(code="deal"), "'deal' is built in"),
    ],
)
def test_a_type_in_use_keeps_what_uses_it(new: CustomType, what: str) -> None:
    with pytest.raises(ConflictError, match=what):
        check_replacement(project(), new, IN_USE)


@pytest.mark.parametrize("new", [project(archived=True), project(has_clients=False), project(title={"de": "Projekt"})])
def test_one_that_nothing_uses_may_become_anything(new: CustomType) -> None:
    check_replacement(project(), new, Usage())
    check_replacement(project(), new.model_copy(update={"archived": False, "has_clients": True}), IN_USE)


def references(**types: bool) -> References:
    return References(
        tenant=ID,
        types={code: ItemType(code=code, title={"en": code}, has_clients=has) for code, has in types.items()},
        pipelines={},
        fields={},
        employees=frozenset(),
        contacts=frozenset([CLIENT]),
        companies=frozenset([CLIENT]),
    )


def made(kind: str, known: References, **values: Any) -> Item:
    wanted = NewItem(kind=kind, title="x", **values)
    return new_item(wanted, Place("p", StageContext(code="s", name="S", position=0).code), known, id=ID, now=NOON)


@pytest.mark.parametrize("values", [{"contact_ids": (CLIENT,)}, {"company_id": CLIENT}])
def test_items_of_a_type_without_clients_have_none(values: Mapping[str, Any]) -> None:
    known = references(project=True, inspection=False)
    assert made("project", known, **values).kind == "project"
    with pytest.raises(InvalidError, match="items of type 'inspection' have no clients"):
        made("inspection", known, **values)
    item, (name, value) = made("inspection", known), next(iter(values.items()))
    given = [str(one) for one in value] if isinstance(value, tuple) else str(value)
    with pytest.raises(InvalidError, match="items of type 'inspection' have no clients"):
        assign(item, [FieldAssignment(field=name, value=given)], known)
    assert assign(item, [FieldAssignment(field="title", value="y")], known).title == "y"
