"""When a waiting rule may act, as far as a date of the item, a calendar or a person decides it."""

from datetime import datetime, timedelta

from contracts.values import ItemSnapshot
from rule_engine.domain.execution.program import RuleBlock
from rule_engine.domain.execution.state import Entry, RuleProgress
from rule_engine.domain.execution.step import waits_for_date
from rule_engine.domain.schedule.due import Due, Times, due
from rule_engine.domain.schedule.run_time import ENTRY, Now

ON_TIME = timedelta(minutes=10)
"""Up to ten minutes late counts as on time: a rule that is due when the company closes still acts then."""


def may_be_postponed(rule: RuleBlock, progress: RuleProgress) -> bool:
    """Whether something may have changed, since its due time was found, that says later."""
    return rule.run.working != "none" or follows_date(rule, progress)


def due_now(
    rule: RuleBlock, progress: RuleProgress, entry: Entry, item: ItemSnapshot, times: Times, now: datetime
) -> Due:
    """When a rule whose time has come, and that may be postponed, may act."""
    at = progress.due_at if progress.due_at and now - progress.due_at <= ON_TIME else now
    if follows_date(rule, progress):
        return due(rule.run, entry.entered_at, item, times, at)
    return due(Now(working_time=rule.run.working), entry.entered_at, item, times, at)


def follows_date(rule: RuleBlock, progress: RuleProgress) -> bool:
    """Whether its due time moves with a date of the item; also one that is to be kept must be there first."""
    if isinstance(rule.run, Now) or rule.run.from_ == ENTRY:
        return False
    return rule.run.date_changes == "follow" or progress.date_missing


def may_be_rescheduled(rule: RuleBlock, progress: RuleProgress) -> bool:
    """Whether a change of the item's dates moves it: it has not acted, and no operator has decided when it does."""
    decided = progress.manually_scheduled or progress.attempt
    return follows_date(rule, progress) and progress.state in ("planned", "waiting") and not decided


def lacks_date(rule: RuleBlock, progress: RuleProgress) -> bool:
    """Whether it is skipped because the date it counts from is empty."""
    skips = not isinstance(rule.run, Now) and rule.run.no_date == "skip"
    return progress.date_missing and skips and not progress.manually_scheduled


def waits_for_time(rule: RuleBlock, progress: RuleProgress, now: datetime) -> bool:
    """Whether its date is missing, or its due time has not come."""
    return waits_for_date(rule, progress) or (progress.due_at is not None and progress.due_at > now)


def waiting_reason(rule: RuleBlock, progress: RuleProgress) -> str | None:
    """What it waits for, if not for a moment."""
    return f"waits for {date_path(rule)}" if progress.date_missing else None


def absence_reason(rule: RuleBlock, times: Times) -> str | None:
    away = rule.run.working == "responsible" and times.at_work is False
    return "waits for the responsible person to start work" if away else None


def date_path(rule: RuleBlock) -> str:
    """The path of the date that the rule counts from."""
    return "" if isinstance(rule.run, Now) else rule.run.from_
