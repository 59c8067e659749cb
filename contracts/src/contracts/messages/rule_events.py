"""Events of the rule engine about its runs, on `crm.rule.events.v1`."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.envelope import Body

RuleState = Literal["planned", "waiting", "running", "done", "refused", "failed", "skipped", "cancelled"]


class RunChanged(Body):
    """A rule of a run reached a state; `reason` says why in words, `due_at` when a waiting rule is to act.

    `step` numbers the executions of a run; with `workflow` the code in `rule_set` is that of a workflow.
    """

    TYPE: ClassVar[str] = "crm.run.changed.v1"

    run_id: UUID
    item_id: UUID
    rule_set: str
    version: int
    stage: str
    rule_id: str
    rule: str
    state: RuleState
    reason: str | None = None
    due_at: AwareDatetime | None = None
    command_id: UUID | None = None
    step: int | None = None
    workflow: bool = False
    at: AwareDatetime
