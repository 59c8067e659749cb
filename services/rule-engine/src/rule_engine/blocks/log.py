"""`log`: a text in the journal."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from rule_engine.domain.execution.blocks import BlockType, Done, Environment, Next
from rule_engine.domain.execution.state import Frame


class LogOptions(BaseModel):
    """What is written into the journal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=5_000)]


class Log(BlockType[LogOptions]):
    """Writes into the journal."""

    type = "log"
    title = "Write into the journal"
    options = LogOptions

    def start(self, options: LogOptions, frame: Frame, env: Environment) -> Next:
        return Done(reason=str(env.value(options.text)))
