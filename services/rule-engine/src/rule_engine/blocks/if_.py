"""`if`: the first branch whose condition holds."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, JsonValue

from contracts.conditions import Condition
from rule_engine.domain.execution.blocks import BlockType, Child, Done, Environment, Next, Run
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

    def start(self, options: IfOptions, frame: Frame, env: Environment) -> Next:
        for index, branch in enumerate(options.branches):
            if branch.condition is None or env.holds(branch.condition):
                env.put_out(_outputs(options, index))
                return Run((Child(index),))
        return Done("skipped", "no condition was true")


def _outputs(options: IfOptions, index: int) -> dict[str, JsonValue]:
    return {"branch": options.branches[index].name or str(index + 1)}
