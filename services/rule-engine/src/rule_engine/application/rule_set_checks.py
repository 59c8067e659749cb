"""Checks a rule set with what its tenant has here and in other services, and compiles what was checked."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.contexts import TenantSchema
from contracts.kit.broker import OutageError
from contracts.kit.database import Database
from rule_engine.application.named_elsewhere import NamedElsewhere
from rule_engine.domain.actions import RuleType
from rule_engine.domain.authoring.checks import RuleSetCheck, leads_anywhere, names_of
from rule_engine.domain.authoring.compiling import compile_document
from rule_engine.domain.authoring.cycles import NO_NEIGHBOURS, Neighbours
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.domain.execution.program import Program
from rule_engine.domain.language.variables import Definition
from rule_engine.gateway import EntityService, TriggerService
from rule_engine.store.rule_sets import RuleSets
from rule_engine.store.variables import Variables
from rule_engine.store.versions import Key

type Programs = Mapping[str, Sequence[Program]]


class InvalidRuleSetError(Exception):
    """A rule set cannot be published; `issues` say why."""

    def __init__(self, issues: Sequence[RuleIssue]) -> None:
        super().__init__(f"{len(issues)} issues")
        self.issues = issues


@dataclass(frozen=True, slots=True)
class Findings:
    """What keeps a rule set from being published; and, if nothing does, probable mistakes."""

    issues: Sequence[RuleIssue] = ()
    warnings: Sequence[RuleIssue] = ()


type Others = Mapping[tuple[str, int], RuleSetDocument]
"""The tenant's other rule sets in force, by code and version."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was checked, and with what the tenant has; `others` is null when they do not matter."""

    schema: TenantSchema
    definitions: Sequence[Definition] = ()
    others: Others | None = None
    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True, slots=True)
class Ready:
    """What is published, and the other rule sets that it was checked with."""

    programs: Programs
    others: Others | None


class RuleSetChecks:
    """Asks for what rules can name, then checks."""

    def __init__(
        self,
        database: Database,
        rule_sets: RuleSets,
        entity_service: EntityService,
        trigger_service: TriggerService,
        elsewhere: NamedElsewhere,
        registry: Mapping[str, RuleType[Any]],
    ) -> None:
        self._database = database
        self._rule_sets = rule_sets
        self._variables = Variables()
        self._entity_service = entity_service
        self._trigger_service = trigger_service
        self._elsewhere = elsewhere
        self._registry = registry

    async def examine(self, key: Key, document: RuleSetDocument, *, publish: bool = False) -> Examined:
        """Checks a document. In a thread: a large one takes seconds.

        Raises `InvalidRuleSetError` when it has issues and is to be published, `OutageError` while entity-service is
        away.
        """
        schema = await self._entity_service.schema(key[0])
        others, neighbours, not_looked_up = await self._neighbours(key, document, schema)
        definitions = await self._definitions(key)
        named = names_of(document, self._registry)
        elsewhere, not_asked = await self._elsewhere.of(key[0], named, "stages")
        check = RuleSetCheck(document, schema, self._registry, neighbours, definitions, elsewhere)
        if issues := await asyncio.to_thread(check.issues):
            if publish:
                raise InvalidRuleSetError(issues)
            return Examined(schema, definitions, others, Findings(issues))
        warnings = [*await asyncio.to_thread(check.warnings), *not_looked_up, *not_asked]
        return Examined(schema, definitions, others, Findings(warnings=warnings))

    async def _definitions(self, key: Key) -> Sequence[Definition]:
        async with self._database.transaction(key[0]) as tx:
            return await self._variables.all(tx, key[0])

    async def _neighbours(
        self, key: Key, document: RuleSetDocument, schema: TenantSchema
    ) -> tuple[Others | None, Neighbours, list[RuleIssue]]:
        """What else moves items, when this document does; and a warning when it could not be looked up."""
        if not leads_anywhere(document, schema, self._registry):
            return None, NO_NEIGHBOURS, []
        async with self._database.transaction(key[0]) as tx:
            others = await self._rule_sets.others(tx, key)
        rule_sets = list(others.values())
        try:
            return others, Neighbours(rule_sets, await self._trigger_service.triggers(key[0])), []
        except OutageError as error:
            what = f"circles through triggers were not looked for: {error}; publish again later to have them looked for"
            return others, Neighbours(rule_sets), [RuleIssue("stages", None, what)]

    async def compile(self, document: RuleSetDocument, examined: Examined) -> Ready:
        """The programs of an examined document, with ids; in a thread."""
        asked = (document, examined.schema, self._registry, examined.definitions)
        programs = await asyncio.to_thread(compile_document, *asked)
        return Ready(programs, examined.others)
