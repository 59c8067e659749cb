"""A rule that cancels the rules that still wait."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.messages.rule_commands import StopAutomation
from contracts.values import Code
from rule_engine.domain.actions import ActionContext, AuthoringContext, Group, Params, RuleType
from rule_engine.rules.places import stage_issues
from rule_engine.rules.stop_workflows import Stopped, stopped_by


class StopAutomationParams(Params):
    stage: Code | None = None
    """The stage whose rules are cancelled; by default those of every stage that the item is or was in."""


class StopAutomationRule(RuleType[StopAutomationParams]):
    """Cancels what still waits of the item's rules, but for those of the chain that the rule is in itself."""

    type = "stop_automation"
    title = "Stop automation"
    group: ClassVar[Group] = "workflows"
    params = StopAutomationParams
    outputs = Stopped

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return stage_issues(params, context.pipeline)

    def act(self, params: StopAutomationParams, acting: ActionContext) -> StopAutomation:
        return StopAutomation(
            item_id=acting.context.item.id,
            stage=params.stage,
            except_run=acting.run_id,
            reason=stopped_by(acting),
        )


RULES: tuple[RuleType[Any], ...] = (StopAutomationRule(),)
