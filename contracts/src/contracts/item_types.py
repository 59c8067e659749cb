"""Types of items: the four that are built in, and those that a tenant's authors define.

An item's `kind` is the code of its type. Whatever must know which types there are, asks this module.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field

from contracts.issues import unknown
from contracts.languages import Language
from contracts.texts import Name
from contracts.values import Code, Fields, ItemKind, Value

BuiltIn = Literal["lead", "deal", "quote", "invoice"]
TypeFilter = Literal["lead", "deal", "quote", "invoice", "custom"]
"""What something is for; `custom`: all types that are not built in."""
ItemPart = Literal["clients", "products"]
"""What items of a type may have or not."""


_NAMES: Mapping[ItemPart, tuple[str, ...]] = {
    "clients": ("contact", "contacts", "company"),
    "products": ("products",),
}


class ItemTypeFields(Fields):
    """What is said of a type of items; stages, custom fields, rules and triggers are its pipelines'."""

    title: Annotated[dict[Language, Name], Field(min_length=1, max_length=100)]
    """What one item is called, by language."""
    has_clients: bool = True
    """Whether items have contacts and a company."""
    has_products: bool = True
    """Whether items have product rows."""


class ItemType(ItemTypeFields, Value):
    """A type of items."""

    code: Code

    def lacks(self, part: ItemPart) -> str | None:
        """Why items have none of a part, for people; null: they may have it."""
        has = {"clients": self.has_clients, "products": self.has_products}
        return None if has[part] else f"items of type {self.code!r} have no {part}"

    def absent_names(self) -> Mapping[str, str]:
        """The names of a context (`contracts.contexts`) that its items have nothing for, and why."""
        whys = {part: self.lacks(part) for part in _NAMES}
        return {name: why for part, why in whys.items() if why for name in _NAMES[part]}


BUILT_IN = {code: ItemType(code=code, title={"en": code.title()}) for code in get_args(BuiltIn)}
"""The types that every tenant has, by code."""
ALL_TYPES: tuple[TypeFilter, ...] = get_args(TypeFilter)


def filter_of(kind: ItemKind) -> str:
    """What of a `TypeFilter` lets items of this kind through."""
    return kind if kind in BUILT_IN else "custom"


def find_type(kind: ItemKind, custom: Iterable[ItemType]) -> ItemType | None:
    """The type of this code, of a tenant with these custom ones."""
    return BUILT_IN.get(kind) or next((one for one in custom if one.code == kind), None)


def unknown_type(kind: ItemKind, custom: Iterable[ItemType]) -> str:
    """That there is no such type, for people."""
    return unknown("item type", kind, [*BUILT_IN, *(one.code for one in custom)])
