"""`set_variables`: the workflow's own values."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from rule_engine.domain.execution.blocks import BlockType, Done, Environment, Next
from rule_engine.domain.execution.state import Frame
from rule_engine.domain.language.variables import Name


class SetVariablesOptions(BaseModel):
    """New values by variable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
