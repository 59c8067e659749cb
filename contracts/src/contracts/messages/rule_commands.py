"""The commands of rule-engine (`crm.rule.commands.v1`): automation that starts and stops automation, and waits."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue, StringConstraints

from contracts.envelope import Body


class StartWorkflow(Body):
    """Starts the newest published version of a workflow on an item.

    With `wait_for_end` it is done when the run has ended well, and failed when the run has ended otherwise; without, it
    is done at once. Outputs: `run_id`, `outcome`, `status`, `variables` (the last three as they are at the end; without
    `wait_for_end` null, null and empty).
    """

    TYPE: ClassVar[str] = "crm.workflow.start.v1"

    item_id: UUID
    workflow: str
    """Its code."""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    wait_for_end: bool = False
    started_by: str
    """Who the records name, such as `rule:<name>`."""


class StopWorkflows(Body):
    """Ends workflows that run on an item; what is open in them is cancelled. Outputs: `stopped` (how many)."""

    TYPE: ClassVar[str] = "crm.workflow.stop.v1"

    item_id: UUID
    workflow: str | None = None
    """Code of the workflow whose runs end; null: those of all."""
    except_run: UUID | None = None
    """A run that goes on."""
    reason: str
    delete_data: bool = False
    """Whether their variables and outputs are deleted; the journal stays."""


class StopAutomation(Body):
    """Cancels what is left of the rules of an item's stages. Outputs: `stopped` (of how many chains of rules)."""

    TYPE: ClassVar[str] = "crm.automation.stop.v1"

    item_id: UUID
    stage: str | None = None
    """The stage whose rules are cancelled; null: those of all stages that the item is or was in."""
    except_run: UUID | None = None
    """A run that goes on."""
    reason: str


class ScheduleWait(Body):
    """Waits until a moment and is done then: the result is what whoever asked is told, and when. Outputs: `payload`.

    A moment that is past is done at once. `CancelCommand` ends the wait, which is refused then; so does the end of the
    item. Refused when the tenant has too many open runs.
    """

    TYPE: ClassVar[str] = "crm.wait.schedule.v1"

    item_id: UUID
    until: AwareDatetime
    payload: Annotated[str, StringConstraints(max_length=4_000)] = ""
    """What the asking service wants to have back; the engine does not look into it."""
