"""What of an item goes over into what is made of it, and what cannot."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from contracts.contexts import FieldSchema
from contracts.messages.link_commands import TARGETS, Target
from contracts.values import ItemKind, PersonInput
from entity_service.domain.errors import ConflictError
from entity_service.domain.fields import apply_values
from entity_service.domain.items import Item, References

_OF_PERSON = ("first_name", "last_name", "phone", "email")
_OF_COMPANY = ("phone", "email", "address", "tax_number")


@dataclass(frozen=True, slots=True)
class Carried:
    """Values by the code of their field, and why others are left behind (`fields.wood: …`)."""

    values: Mapping[str, JsonValue]
    left: tuple[str, ...]


def check_target(item: Item, target: Target) -> None:
    """Raises `ConflictError`."""
    possible = TARGETS.get(item.kind, ())
    if target not in possible:
        into = f"into {' or '.join(map(_a, possible))}" if possible else "into nothing"
        raise ConflictError(f"{_a(item.kind)} cannot be made into {_a(target)}, only {into}")


def carried(item: Item, target: ItemKind, references: References) -> Carried:
    """The custom fields for an item of another kind: those of the same code whose values fit."""
    own, others = references.schemas(item.kind), references.schemas(target)
    values, left = dict[str, JsonValue](), list[str]()
    for code, value in item.fields.items():
        try:
            fitted = _fitted(code, value, own.get(code), others.get(code), target)
            _check(code, fitted, others, references)
            values[code] = fitted
        except ValueError as error:
            left.append(f"fields.{code}: {error}")
    return Carried(values, tuple(left))


def _fitted(
    code: str, value: JsonValue, own: FieldSchema | None, other: FieldSchema | None, target: ItemKind
) -> JsonValue:
    if other is None:
        raise ValueError(f"{_a(target)} has no field of this code")
    if own is not None and own.type != other.type and (own.type, other.type) != ("list", "text"):
        raise ValueError(f"is a {own.type} here and a {other.type} there")
    if other.multiple:
        return value if isinstance(value, list) else [value]
    if isinstance(value, list) and len(value) > 1:
        raise ValueError("has several values here and can have one there")
    return value[0] if isinstance(value, list) else value


def _check(code: str, value: JsonValue, schemas: Mapping[str, FieldSchema], references: References) -> None:
    _, errors = apply_values({}, {code: value}, schemas, references.employees)
    if errors:
        raise ValueError(errors[0][1])


def person_of(item: Item) -> PersonInput:
    """The person whom a lead's fields describe; without a name they are called as the lead is."""
    texts = {code: text for code in _OF_PERSON if (text := _text(item, code))}
    if not texts.keys() & {"first_name", "last_name"}:
        texts["first_name"] = _short(item.title)
    return PersonInput.model_validate(texts)


def company_values(item: Item) -> dict[str, str]:
    """What a lead's fields say of a company, which is called as the lead is."""
    return {"title": _short(item.title)} | {code: text for code in _OF_COMPANY if (text := _text(item, code))}


def left_by_client(item: Item, target: Target) -> tuple[str, ...]:
    """What of a lead is no client's."""
    taken = _OF_PERSON if target == "contact" else _OF_COMPANY
    names = [name for name in ("amount", "source") if getattr(item, name) is not None]
    names += [f"fields.{code}" for code in item.fields if code not in taken or _text(item, code) is None]
    return tuple(f"{name}: {_a(target)} has none" for name in names)


def _text(item: Item, code: str) -> str | None:
    """The value of a custom field that is a text."""
    value = item.fields.get(code)
    return value if isinstance(value, str) else None


def _short(title: str) -> str:
    return title[:200].rstrip()


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
