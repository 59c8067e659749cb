"""Every rule type, by its wire name: the catalogue that `GET /v1/rule-types` serves. Each group exports its `RULES`."""

from collections.abc import Mapping
from typing import Any

from rule_engine.domain.actions import RuleType
from rule_engine.rules import communication, data, documents, employees, items, repeat_sales, tasks, workflows

_GROUPS = (communication, employees, tasks, repeat_sales, documents, items, data, workflows)
REGISTRY: Mapping[str, RuleType[Any]] = {rule.type: rule for group in _GROUPS for rule in group.RULES}
