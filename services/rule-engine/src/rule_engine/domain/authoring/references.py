"""Codes in parameters that name what the tenant has: item types, rooms, resources, lists."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, JsonValue

from contracts.contexts import TenantSchema
from contracts.issues import Issue, unknown
from contracts.item_types import BUILT_IN
from contracts.values import CODE
from rule_engine.domain.actions import RuleType, literal, marked


def reference_issues(
    params: Mapping[str, JsonValue], rule_type: RuleType[Any], schema: TenantSchema
) -> Iterator[Issue]:
    """Codes that are known before the rule acts, and that nothing has. What is no code at all, is said elsewhere."""
    model: type[BaseModel] = rule_type.params
    for what, known in _codes(schema).items():
        for name in marked(model, "refers", what):
            code = literal(params.get(name))
            if code is not None and re.fullmatch(CODE, code) and code not in known:
                yield Issue(name, unknown(what, code, known))


def _codes(schema: TenantSchema) -> Mapping[str, Collection[str]]:
    return {
        "item type": [*BUILT_IN, *(one.code for one in schema.item_types)],
        "room": schema.rooms,
        "resource": schema.resources,
        "list": [one.code for one in schema.lists],
    }
