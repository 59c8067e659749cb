"""The rule that compiling puts into a `lock_item` block."""

from typing import Any, ClassVar

from contracts.messages.entity_commands import LockItem
from rule_engine.domain.actions import ActionContext, Group, Params, RuleType


class LockItemRule(RuleType[Params]):
    """Locks the item for its run; it is under way for as long as another run holds the item."""

    type = "lock_item"
    title = "Lock the item"
    group: ClassVar[Group] = "workflows"
    params = Params

    def act(self, params: Params, acting: ActionContext) -> LockItem:
        return acting.command(LockItem, run_id=acting.run_id, workflow=acting.values["workflow"]["code"])


RULES: tuple[RuleType[Any], ...] = (LockItemRule(),)
