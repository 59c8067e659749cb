"""Published programs, kept in memory: a version never changes once it is published."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.kit.database import Connection
from rule_engine.domain.execution.program import Program
from rule_engine.store.rule_sets import RuleSets
from rule_engine.store.runs import Run, RunRow

KEPT = 1_000


class Programs:
    """The programs of published versions, by stage."""

    def __init__(self, rule_sets: RuleSets) -> None:
        self._rule_sets = rule_sets
        self._kept: OrderedDict[tuple[UUID, str, int], Mapping[str, Sequence[Program]]] = OrderedDict()

    async def of_version(
        self, tx: Connection, tenant: UUID, code: str, version: int
    ) -> Mapping[str, Sequence[Program]]:
        key = (tenant, code, version)
        if key not in self._kept:
            self._kept[key] = await self._rule_sets.programs(tx, tenant, code, version)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    async def of_run(self, tx: Connection, row: RunRow) -> Run:
        """The run with the program it was planned with."""
        programs = await self.of_version(tx, row.tenant, row.rule_set, row.version)
        return row.with_program(next(p for p in programs[row.stage] if p.chain == row.chain))
