"""`if`: the first branch whose condition holds."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, JsonValue

from contracts.conditions import Condition
from rule_engine.domain.execution.blocks import BlockType, Child, Choice, Done, Environment, Next, Run
from rule_engine.domain.execution.state import Frame


class Branch(BaseModel):
    """A branch: null holds always."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    condition: Condition | None = None


class IfOptions(BaseModel):
    """One for each child, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    branches: tuple[Branch, ...] = ()


class If(BlockType[IfOptions]):
    """Branches are tested from the first to the last, and the first whose condition holds runs; if none does, none."""

    type = "if"
    title = "Condition"
    branches = "many"
    options = IfOptions

    def outputs_on_jump(self, options: IfOptions, index: int) -> Mapping[str, JsonValue]:
        return _outputs(options, index)

    def choices(self, options: IfOptions) -> tuple[Choice, ...]:
        return tuple(Choice(_name(options, index), one.condition) for index, one in enumerate(options.branches))

    def start(self, options: IfOptions, frame: Frame, env: Environment) -> Next:
        index = env.choose()
        if index is None:
            return Done("skipped", "no condition was true")
        env.put_out(_outputs(options, index))
        return Run((Child(index),))


def _outputs(options: IfOptions, index: int) -> dict[str, JsonValue]:
    return {"branch": _name(options, index)}


def _name(options: IfOptions, index: int) -> str:
    return options.branches[index].name or str(index + 1)
