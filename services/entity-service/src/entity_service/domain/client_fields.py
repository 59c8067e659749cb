"""New values for fields of contacts and companies."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from contracts.clients import SEVERAL, ClientFields, value_issues, value_of
from contracts.messages.entity_commands import FieldAssignment
from entity_service.domain.errors import InvalidError


def assigned(
    fields: ClientFields, present: Mapping[str, Any], assignments: Sequence[FieldAssignment]
) -> dict[str, Any]:
    """The new values by field, as they are kept; `present` are those that there are.

    Raises `InvalidError` with everything that is wrong.
    """
    given, errors = dict[str, JsonValue](), list[tuple[str, str]]()
    for one in assignments:
        name = one.field
        if name not in fields.model_fields:
            errors.append((name, "cannot be set"))
        elif one.append and name not in SEVERAL:
            errors.append((name, "holds one value: it cannot be appended to"))
        else:
            given[name] = _appended(given.get(name, present.get(name)), one.value) if one.append else one.value
    required = [name for name, info in fields.model_fields.items() if info.is_required()]
    errors += [(name, "is required") for name in required if name not in given and name not in present]
    errors += [issue for name, value in given.items() for issue in value_issues(fields, name, value)]
    if errors:
        raise InvalidError(*errors)
    return {name: _once(name, value_of(fields, name, value)) for name, value in given.items()}


def _appended(present: Any, value: JsonValue) -> list[Any]:
    return [*(present or ()), *(value if isinstance(value, list) else [value])]


def _once(name: str, value: Any) -> Any:
    """Values as they are kept; of one address that is given twice the first."""
    if name not in SEVERAL:
        return value
    kept = dict[str, Any]()
    for one in value:
        kept.setdefault(one.number if name == "phones" else one.address, one.model_dump())
    return tuple(kept.values())
