"""Types of items that authors define."""

from dataclasses import dataclass

from contracts.item_types import BUILT_IN, ItemPart, ItemType
from entity_service.domain.errors import ConflictError


class CustomType(ItemType):
    """A custom type of items, as this service keeps it."""

    archived: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """What needs a type: its open pipelines, by code, and how many items there are of it, with what."""

    pipelines: tuple[str, ...] = ()
    items: int = 0
    with_clients: int = 0
    with_products: int = 0

    def words(self) -> str:
        named = [f"the pipeline {code!r}" for code in self.pipelines]
        return ", ".join([*named, *([_items(self.items)] if self.items else [])])


def check_replacement(old: CustomType | None, new: CustomType, usage: Usage) -> None:
    """Whether `new` may take the place of `old`. Raises `ConflictError`."""
    if new.code in BUILT_IN:
        raise ConflictError(f"{new.code!r} is built in: every tenant has it, and it cannot be changed")
    if old is None:
        return
    if new.archived and not old.archived and (words := usage.words()):
        raise ConflictError(f"item type {new.code!r} is in use by {words}: archive its pipelines, delete its items")
    held: tuple[tuple[ItemPart, int], ...] = (("clients", usage.with_clients), ("products", usage.with_products))
    for part, count in held:
        if count and new.lacks(part):
            raise ConflictError(f"{_items(count)} of type {new.code!r} have {part}: take them away first")


def _items(count: int) -> str:
    return f"{count} item{'' if count == 1 else 's'}"
