"""The rule engine with a point at which it kills itself: `DIE_AT`. The engine itself knows nothing of the points."""

import os
from typing import Any

from contracts.kit import broker, outbox
from rule_engine import main
from rule_engine.activities import Activities
from rule_engine.recorder import Recorder
from rule_engine.starter import Starter
from support.dying import dying

POINTS: dict[str, tuple[Any, str, bool]] = {
    "planned, before the offset is committed": (broker, "_commit", False),
    "an execution is started, before the row knows": (Starter, "_start", True),
    "before the execution advances": (Activities, "advance_run", False),
    "a step is written, before its commit": (Recorder, "record", True),
    "a step is committed, before the execution ends": (Activities, "_try", True),
    "published, before the rows are deleted": (outbox.Relay, "_publish", True),
}

if __name__ == "__main__":
    owner, name, after = POINTS[os.environ["DIE_AT"]]
    setattr(owner, name, dying(getattr(owner, name), after=after))
    main.run()
