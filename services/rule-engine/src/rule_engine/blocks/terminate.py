"""`terminate`: the end of the workflow, or of the other runs of it on the item."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.texts import MAX_TITLE
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.blocks import BlockType, Done, EndRun, Environment, Next
from rule_engine.domain.execution.state import Frame


class TerminateOptions(BaseModel):
    """Which runs end, how, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scope: Literal["this", "all", "others"] = "this"
    """This run; all of this workflow on the item; all of them but this one, which goes on."""
    outcome: Literal["done", "failed", "cancelled"] = "cancelled"
    """Of this run; others are cancelled."""
    reason: Annotated[str, Field(max_length=MAX_TITLE)] = ""
    status: Annotated[str, Field(max_length=MAX_TITLE)] = ""
    """The workflow's last status, if one is given."""
    data: Literal["keep", "delete"] = "keep"
    """Whether variables and outputs of runs that end are deleted; the journal stays."""


class Terminate(BlockType[TerminateOptions]):
    """Ends runs of the workflow; what is open in them is cancelled."""

    type = "terminate"
    title = "End the workflow"
    options = TerminateOptions

    def start(self, options: TerminateOptions, frame: Frame, env: Environment) -> Next:
        reason = str(env.value(options.reason)) or None
        if reason is not None and len(reason) > MAX_TITLE:
            raise ValueFailureError(f"the reason is longer than {MAX_TITLE} characters")
        if status := str(env.value(options.status))[:MAX_TITLE]:
            env.set_status(status)
        delete = options.data == "delete"
        if options.scope != "this":
            env.stop_others(reason, delete_data=delete)
        if options.scope == "others":
            return Done(reason=reason)
        return EndRun(options.outcome, reason, delete_data=delete)
