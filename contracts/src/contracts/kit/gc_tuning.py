"""Python's garbage collector, tuned for services: reference counting frees nearly all that they allocate, so cycles are
looked for seldom, and never among the objects that were there before the work began.
"""

import gc

THRESHOLDS = (50_000, 20, 100)
"""Allocations before the youngest generation is collected, and collections before the older ones are."""


def tune_gc() -> None:
    """Call it once, when everything is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
