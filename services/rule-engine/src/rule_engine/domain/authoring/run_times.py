"""Checks of run times: what a rule counts from must be a date of the item."""

from collections.abc import Iterator

from contracts.issues import Issue
from rule_engine.domain.language.value_types import PathError, Shape, described, find
from rule_engine.domain.schedule.run_time import ENTRY, Now, RunTime


def run_time_issues(run: RunTime, names: Shape) -> Iterator[Issue]:
    """What is wrong with a run time as written: (place, what). Only a single date or moment of the item can be counted
    from.
    """
    if isinstance(run, Now) or run.from_ == ENTRY:
        return
    try:
        shape = find(names, run.from_, in_text=False)
    except PathError as error:
        yield Issue("run.from", str(error))
        return
    if shape.kind not in ("date", "datetime"):
        yield Issue("run.from", f"{run.from_} is {described(shape)}: count from a date or a moment")
