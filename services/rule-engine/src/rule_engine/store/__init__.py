"""Every SQL statement of the rule engine, by noun. Methods take the caller's transaction and decide nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from rule_engine.domain.execution.blocks import BlockType
from rule_engine.store.assignments import Assignments
from rule_engine.store.backfills import Backfills
from rule_engine.store.canaries import Canaries
from rule_engine.store.commands import Commands
from rule_engine.store.decisions import Decisions
from rule_engine.store.entries import Entries
from rule_engine.store.keyed_runs import KeyedRuns
from rule_engine.store.migrations import Migrations
from rule_engine.store.operator_actions import OperatorActions
from rule_engine.store.programs import Programs
from rule_engine.store.rule_runs import RuleRuns
from rule_engine.store.rule_sets import RuleSets
from rule_engine.store.runs import Runs
from rule_engine.store.timers import Timers
from rule_engine.store.variables import Variables
from rule_engine.store.workflow_starts import StartRequests
from rule_engine.store.workflows import Workflows


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
    migrations: Migrations
    variables: Variables
    workflows: Workflows
    assignments: Assignments
    start_requests: StartRequests
    canaries: Canaries
    keyed_runs: KeyedRuns

    @classmethod
    def create(cls, blocks: Mapping[str, BlockType[Any]]) -> Self:
        rule_sets, workflows = RuleSets(), Workflows()
        return cls(
            entries=Entries(),
            runs=Runs(),
            rule_runs=RuleRuns(),
            commands=Commands(),
            timers=Timers(),
            rule_sets=rule_sets,
            programs=Programs(rule_sets, workflows, blocks),
            decisions=Decisions(),
            operator_actions=OperatorActions(),
            backfills=Backfills(),
            migrations=Migrations(),
            variables=Variables(),
            workflows=workflows,
            assignments=Assignments(),
            start_requests=StartRequests(),
            canaries=Canaries(),
            keyed_runs=KeyedRuns(),
        )
