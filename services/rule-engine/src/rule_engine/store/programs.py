"""Published programs, kept in memory: a version never changes once it is published."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from contracts.kit.database import Connection
from rule_engine.domain.execution.blocks import BlockType
from rule_engine.domain.execution.program import Program, UnknownBlockError
from rule_engine.domain.execution.waits import PROGRAM, WAIT
from rule_engine.store.rule_sets import RuleSets
from rule_engine.store.runs import NewerFormatError, Run, RunRow, met_newer
from rule_engine.store.workflows import Workflows

KEPT = 1_000
WORKFLOW = ""
"""Stands for the stage where there is none."""


class Programs:
    """The programs of published versions, by stage, bound to the types of their blocks."""

    def __init__(self, rule_sets: RuleSets, workflows: Workflows, blocks: Mapping[str, BlockType[Any]]) -> None:
        self._rule_sets = rule_sets
        self._workflows = workflows
        self._blocks = blocks
        self._kept: OrderedDict[tuple[UUID, str, int, bool], Mapping[str, Sequence[Program]]] = OrderedDict()

    async def of_version(
        self, tx: Connection, tenant: UUID, code: str, version: int, *, workflow: bool = False
    ) -> Mapping[str, Sequence[Program]]:
        """Raises `NewerFormatError` for what a newer release has published."""
        key = (tenant, code, version, workflow)
        if key not in self._kept:
            read = self._of_workflow if workflow else self._rule_sets.programs
            self._kept[key] = self._bound(await read(tx, tenant, code, version))
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    async def of_workflow(self, tx: Connection, tenant: UUID, code: str, version: int) -> Program:
        """The program of a version of a workflow."""
        return (await self.of_version(tx, tenant, code, version, workflow=True))[WORKFLOW][0]

    async def of_run(self, tx: Connection, row: RunRow) -> Run:
        """The run with the program it was planned with."""
        if row.workflow:
            return row.with_program(await self.of_workflow(tx, row.tenant, row.rule_set, row.version))
        programs = await self.of_version(tx, row.tenant, row.rule_set, row.version)
        return row.with_program(next(p for p in programs[row.stage] if p.chain == row.chain))

    async def _of_workflow(
        self, tx: Connection, tenant: UUID, code: str, version: int
    ) -> Mapping[str, Sequence[Program]]:
        if code == WAIT:
            return {WORKFLOW: [PROGRAM]}
        found = await self._workflows.version(tx, (tenant, code), version)
        if found is None or found[1].programs is None:
            raise LookupError(f"workflow {code!r} has no published version {version}")
        return {WORKFLOW: [found[1].programs]}

    def _bound(self, stages: Mapping[str, Sequence[Program]]) -> Mapping[str, Sequence[Program]]:
        try:
            return {stage: [one.bound(self._blocks) for one in programs] for stage, programs in stages.items()}
        except UnknownBlockError as error:
            met_newer()
            raise NewerFormatError(str(error)) from error
