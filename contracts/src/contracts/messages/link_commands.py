"""The commands of entity-service about other items than the one that a rule runs on, on `crm.entity.commands.v1`."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, model_validator

from contracts.messages.entity_commands import FieldAssignment, ItemCommand
from contracts.values import Code, Fields, ItemKind

LinkName = Literal["copy", "follow_up", "conversion", "invoice", "related", "parent", "child"]
"""What another item is to this one: its copy or what it was copied from, …, its parent, one of its children."""


class OtherItem(Fields):
    """Another item: the one of this id, or those that are linked with this item."""

    other_id: UUID | None = None
    link: LinkName | None = None
    other_kind: ItemKind | None = None
    """Only linked items of this kind."""

    @model_validator(mode="after")
    def _is_said(self) -> "OtherItem":
        if (self.other_id is None) == (self.link is None):
            raise ValueError("say which item: its id, or how it is linked")
        return self


Which = Literal["first", "last", "all"]
"""Of several linked items; the oldest is the first."""


class DeleteItem(ItemCommand):
    """Deletes an item with all that belongs to it. Outputs: none."""

    TYPE: ClassVar[str] = "crm.item.delete.v1"


class ReadItem(OtherItem, ItemCommand):
    """Reads fields of another item; of several linked ones that of the first.

    Outputs: `item_id`, `values` by field; if they are `printable`, `around`: what of the tenant texts are written with.
    """

    TYPE: ClassVar[str] = "crm.item.read.v1"

    fields: Annotated[tuple[str, ...], Field(min_length=1, max_length=100)]
    """`title`, `stage`, …, or `fields.<code>`."""
    printable: bool = False
    """Whether the values are for people: with names in place of ids and codes."""


class UpdateLinkedItems(OtherItem, ItemCommand):
    """Sets fields of other items; refused when there are none. Outputs: `item_ids`."""

    TYPE: ClassVar[str] = "crm.item.update_linked.v1"

    which: Which = "first"
    assignments: Annotated[tuple[FieldAssignment, ...], Field(min_length=1)]


class DeleteLinkedItems(OtherItem, ItemCommand):
    """Deletes other items; refused when there are none. Outputs: `item_ids`."""

    TYPE: ClassVar[str] = "crm.item.delete_linked.v1"

    which: Which = "first"


class LinkItems(ItemCommand):
    """Links an item with another one, as related. Outputs: `linked` (false: they were already)."""

    TYPE: ClassVar[str] = "crm.item.link.v1"

    other_id: UUID


class UnlinkItems(ItemCommand):
    """Takes away the links as related with another item. Outputs: `unlinked`, how many."""

    TYPE: ClassVar[str] = "crm.item.remove_link.v1"

    other_id: UUID | None = None
    """Null: with all."""
    other_kind: ItemKind | None = None
    """Only with items of this kind."""


class SetParentItem(ItemCommand):
    """Makes another item the parent of this one, in place of the one that it has. Outputs: `parent_id`."""

    TYPE: ClassVar[str] = "crm.item.set_parent.v1"

    parent_id: UUID | None
    """Null: it has none any more."""


Target = Literal["deal", "quote", "invoice", "contact", "company"]
"""What an item can be made into."""
TARGETS: Mapping[ItemKind, tuple[Target, ...]] = {
    "lead": ("deal", "contact", "company"),
    "deal": ("invoice", "quote"),
    "quote": ("deal", "invoice"),
}
"""What items of a kind can be made into."""


class ConversionFields(Fields):
    """What is to be made of an item."""

    target: Target
    pipeline: Code | None = None
    """Of the new item; null: the first of its kind."""
    stage: Code | None = None
    """Null: the pipeline's first."""
    keep_activities_open: bool = True
    """Whether what is planned for the item stays open; if not, it is completed."""


class ConvertItem(ConversionFields, ItemCommand):
    """Makes another item, or a client, of an item, with its clients, products and all fields of the same code.

    Outputs: `item_id`, `contact_id`, `company_id` (null but for what was made), `not_carried` (what was not carried
    over, and why).
    """

    TYPE: ClassVar[str] = "crm.item.convert.v1"
