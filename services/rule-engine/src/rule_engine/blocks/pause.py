"""`pause`: waits for a moment."""

from pydantic import BaseModel, ConfigDict

from rule_engine.domain.execution.blocks import BlockType, Done, Environment, Moving, Next, Wait
from rule_engine.domain.execution.state import Frame
from rule_engine.domain.schedule.run_time import RunTime


class PauseOptions(BaseModel):
    """How long: as the time of a rule is written, counted from when the pause begins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: RunTime


class Pause(BlockType[PauseOptions]):
    """Goes on at a moment; operators can change it meanwhile."""

    type = "pause"
    title = "Pause"
    options = PauseOptions

    def start(self, options: PauseOptions, frame: Frame, env: Environment) -> Next:
        due = env.due(options.run)
        if due is None:
            return Done("skipped", "the date it counts from is empty")
        return Done() if due <= env.now else Wait(until=due)

    def migrated(self, before: PauseOptions, options: PauseOptions, frame: Frame, moving: Moving) -> Frame:
        return moving.retimed(frame, before.run, options.run, frame.started_at) if frame.until else frame
