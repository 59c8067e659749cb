"""One rule acts, on the furniture shop's deal."""

from typing import Any
from uuid import UUID

from contracts.contexts import ItemContext
from rule_engine.domain.actions import ActionContext
from rule_engine.domain.language.values import values_of
from rule_engine.rules import REGISTRY
from support.shop import NOON, deal


def act(type: str, params: dict[str, Any], context: ItemContext | None = None, **acting: Any) -> Any:
    """What a rule does; `acting` replaces parts of its context."""
    seen = context or deal()
    facts: dict[str, Any] = {
        "context": seen,
        "now": NOON,
        "stage": "new",
        "actor": "rule:it",
        "guard": 2,
        "entry_seq": 2,
        "values": values_of(seen, {}, NOON),
        "run_id": UUID(int=9),
    }
    kind = REGISTRY[type]
    return kind.act(kind.params.model_validate(params), ActionContext(**facts | acting))
