"""Planning for an item that is in the stage already: only what its entry has not planned yet."""

from collections.abc import Mapping

from rule_engine.domain.execution.advance import dues_of, plan_chain, start_chain
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import ENDED, ROOT, Entry, RuleProgress, State
from rule_engine.domain.schedule.due import Times


def begin_backfill(program: Program, known: Mapping[str, RuleProgress], entry: Entry, times: Times) -> State | None:
    """The state of a run of the chain; `known` is the progress of rules that the entry has planned before, by id.

    `entry` has the item as it is now: its rules count from the dates of that.

    Those rules keep their states and outputs and do not act again. Null when the chain has no other
    rule, or when one of them has not ended: its chain is still under way. No rule is due on entry, which is
    long past.
    """
    rules = program.rules()
    before = {rule.rule_id: known[rule.rule_id] for rule in rules if rule.rule_id in known}
    if len(before) == len(rules) or any(one.state not in ENDED for one in before.values()):
        return None
    run = plan_chain(program, entry, dues_of(program, entry, times))
    for step, one in run.executions.items():
        if one.rule_id in before:
            run.executions[step] = one.to(**dict(before[one.rule_id]), step=step, path=one.path, parent=ROOT)
    start_chain(run)
    return run.result().state
