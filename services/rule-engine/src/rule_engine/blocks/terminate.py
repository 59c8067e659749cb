"""`terminate`: the end of the workflow."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.texts import MAX_TITLE
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.blocks import BlockType, EndRun, Environment, Next
from rule_engine.domain.execution.state import Frame


class TerminateOptions(BaseModel):
    """How the workflow ends, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Literal["done", "failed", "cancelled"] = "cancelled"
    reason: Annotated[str, Field(max_length=MAX_TITLE)] = ""


class Terminate(BlockType[TerminateOptions]):
    """Ends the workflow; what is open is cancelled."""

    type = "terminate"
    title = "End the workflow"
    options = TerminateOptions

    def start(self, options: TerminateOptions, frame: Frame, env: Environment) -> Next:
        reason = str(env.value(options.reason)) or None
        if reason is not None and len(reason) > MAX_TITLE:
            raise ValueFailureError(f"the reason is longer than {MAX_TITLE} characters")
        return EndRun(options.outcome, reason)
