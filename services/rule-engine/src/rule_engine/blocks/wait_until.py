"""`wait_until`: waits for a moment that the run was started with. Authors write `pause` instead."""

from datetime import datetime

from rule_engine.domain.execution.blocks import BlockType, Done, Environment, Next, NoOptions, Wait
from rule_engine.domain.execution.state import Frame


class WaitUntil(BlockType[NoOptions]):
    """Goes on at the moment `param.until`."""

    type = "wait_until"
    title = "Until a moment"
    written = False
    options = NoOptions

    def start(self, options: NoOptions, frame: Frame, env: Environment) -> Next:
        until = datetime.fromisoformat(env.value({"path": "param.until"}))
        return Done() if until <= env.now else Wait(until=until)
