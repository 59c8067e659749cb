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


AssignmentChange = Literal["given", "reminded", "delegated", "answered", "withdrawn"]


class AssignmentChanged(Body):
    """What a workflow asks an employee for was given to them, answered, or is not needed any more.

    `assignee` is whom it is asked of, `by` the subject of who answered or passed it on. Texts and values of answers are
    not in it: `GET /v1/assignments/{id}` has them.
    """

    TYPE: ClassVar[str] = "crm.assignment.changed.v1"

    assignment_id: UUID
    run_id: UUID
    item_id: UUID
    workflow: str
    block: str
    kind: str
    """The type of the block: `approve`, `acknowledge` or `request_information`."""
    change: AssignmentChange
    assignee: UUID
    choice: str | None = None
    by: str | None = None
    due_at: AwareDatetime | None = None
    at: AwareDatetime
