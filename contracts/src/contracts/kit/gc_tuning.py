"""Python's garbage collector, set for services: nearly all they make dies when its last user lets go of it, so circles
may be looked for seldom, and never in what was there before the work began.
"""

import gc

THRESHOLDS = (50_000, 20, 100)
"""Objects made before the youngest are looked at, and rounds before the older ones are."""


def tune_gc() -> None:
    """To be called once, when everything is loaded and put together."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
