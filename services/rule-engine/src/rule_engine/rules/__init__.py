"""Every rule type, by its wire name. Each group exports its `RULES`."""

from collections.abc import Mapping
from typing import Any

from rule_engine.domain.actions import RuleType
from rule_engine.rules import (
    activities,
    change_observers,
    change_responsible,
    codes,
    communication,
    data,
    documents,
    employees,
    get_employee,
    item_life,
    items,
    linked_items,
    links,
    locks,
    notify_employee,
    products,
    repeat_sales,
    select_employee,
    tasks,
    timeline,
    workflows,
)

_GROUPS = (
    communication,
    employees,
    notify_employee,
    timeline,
    change_observers,
    tasks,
    activities,
    change_responsible,
    repeat_sales,
    documents,
    items,
    item_life,
    linked_items,
    links,
    products,
    data,
    get_employee,
    select_employee,
    codes,
    workflows,
)
REGISTRY: Mapping[str, RuleType[Any]] = {rule.type: rule for group in _GROUPS for rule in group.RULES}
"""Those that authors write: the catalogue that `GET /v1/rule-types` serves."""
RUNNABLE: Mapping[str, RuleType[Any]] = {**REGISTRY, **{rule.type: rule for rule in locks.RULES}}
"""Those, and the ones that compiling puts into blocks."""
