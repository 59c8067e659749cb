"""`set_status`: the workflow's status."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.texts import MAX_TITLE
from rule_engine.domain.execution.blocks import BlockType, Done, Environment, Next
from rule_engine.domain.execution.state import Frame


class SetStatusOptions(BaseModel):
    """The status as a text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
