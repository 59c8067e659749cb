"""Blocks that do something at once: `set_status`, `set_variables`, `log`, `terminate`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from contracts.texts import MAX_TITLE
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.blocks import BlockType, Done, EndRun, Environment, Next
from rule_engine.domain.execution.state import Frame
from rule_engine.domain.language.variables import Name


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SetStatusOptions(_Options):
    """The status as a text."""

    status: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]


class SetStatus(BlockType[SetStatusOptions]):
    """Gives the workflow a status; conditions name it `workflow.status`."""

    type = "set_status"
    title = "Set the status"
    options = SetStatusOptions

    def start(self, options: SetStatusOptions, frame: Frame, env: Environment) -> Next:
        status = str(env.value(options.status))[:MAX_TITLE]
        env.set_status(status)
        return Done(reason=status)


class SetVariablesOptions(_Options):
    """New values by variable."""

    values: Annotated[dict[Name, JsonValue], Field(min_length=1, max_length=100)]


class SetVariables(BlockType[SetVariablesOptions]):
    """Sets variables of the workflow, one after another: later values can name the earlier ones."""

    type = "set_variables"
    title = "Set variables"
    options = SetVariablesOptions

    def start(self, options: SetVariablesOptions, frame: Frame, env: Environment) -> Next:
        made: dict[str, JsonValue] = {}
        for name, written in options.values.items():
            made[name] = env.value(written)
            env.set_variable(name, made[name])
        return Done(outputs=made)


class LogOptions(_Options):
    """What is written into the journal."""

    text: Annotated[str, Field(min_length=1, max_length=5_000)]


class Log(BlockType[LogOptions]):
    """Writes into the journal."""

    type = "log"
    title = "Write into the journal"
    options = LogOptions

    def start(self, options: LogOptions, frame: Frame, env: Environment) -> Next:
        return Done(reason=str(env.value(options.text)))


class TerminateOptions(_Options):
    """How the workflow ends, and why."""

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
