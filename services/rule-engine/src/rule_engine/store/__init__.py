"""Every SQL statement of the rule engine, by noun. Methods take the caller's transaction and decide nothing."""

from dataclasses import dataclass
from typing import Self

from rule_engine.store.backfills import Backfills
from rule_engine.store.commands import Commands
from rule_engine.store.decisions import Decisions
from rule_engine.store.entries import Entries
from rule_engine.store.operator_actions import OperatorActions
from rule_engine.store.programs import Programs
from rule_engine.store.rule_runs import RuleRuns
from rule_engine.store.rule_sets import RuleSets
from rule_engine.store.runs import Runs
from rule_engine.store.timers import Timers
from rule_engine.store.variables import Variables


@dataclass(frozen=True, slots=True)
class Store:
    """The statements of the service, one attribute per noun."""

    entries: Entries
    runs: Runs
    rule_runs: RuleRuns
    commands: Commands
    timers: Timers
    rule_sets: RuleSets
    programs: Programs
    decisions: Decisions
    operator_actions: OperatorActions
    backfills: Backfills
    variables: Variables

    @classmethod
    def create(cls) -> Self:
        rule_sets = RuleSets()
        return cls(
            entries=Entries(),
            runs=Runs(),
            rule_runs=RuleRuns(),
            commands=Commands(),
            timers=Timers(),
            rule_sets=rule_sets,
            programs=Programs(rule_sets),
            decisions=Decisions(),
            operator_actions=OperatorActions(),
            backfills=Backfills(),
            variables=Variables(),
        )
