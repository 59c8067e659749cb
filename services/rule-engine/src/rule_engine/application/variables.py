"""What authors do with variables and constants: define them, and change them when values and rules fit.

A change of type or visibility is checked first: against every value that is kept, and against every rule set that names
them. Values are then written in the form of the new type, in the same transaction.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.item_types import BUILT_IN
from contracts.kit.clock import Clock
from contracts.kit.configuration import Who, record
from contracts.kit.database import Connection, Database
from contracts.kit.quotas import check as check_quota
from rule_engine.domain.actions import RuleType
from rule_engine.domain.authoring.checks import RuleSetCheck
from rule_engine.domain.errors import EngineError, ValueFailureError
from rule_engine.domain.language.cel import parse as parse_expression
from rule_engine.domain.language.templates import parse as parse_text
from rule_engine.domain.language.variables import (
    Assigned,
    Definition,
    Group,
    MisfitError,
    VariableDocument,
    fitting,
    misfits,
)
from rule_engine.gateway import EntityService
from rule_engine.quotas import DEFINITIONS
from rule_engine.store.rule_sets import RuleSets
from rule_engine.store.variables import Owner, Variables


class UndefinedError(EngineError):
    """There is no such variable or constant."""


class InvalidDefinitionError(EngineError):
    """A definition cannot be changed like this; `issues` are the values and rules that would not fit."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__(f"{len(issues)} issues")
        self.issues = issues


class Defining:
    """Keeps definitions and the values that people set."""

    def __init__(
        self,
        database: Database,
        rule_sets: RuleSets,
        entity_service: EntityService,
        registry: Mapping[str, RuleType[Any]],
        clock: Clock,
    ) -> None:
        self._database = database
        self._rule_sets = rule_sets
        self._entity_service = entity_service
        self._registry = registry
        self._clock = clock
        self._variables = Variables()

    async def put(self, who: Who, definition: Definition, *, dry_run: bool) -> Definition:
        """Creates or changes one; `dry_run` only checks. Returns what is there afterwards.

        Raises `InvalidDefinitionError` (nothing changed), and `OutageError` while entity-service is away and rule sets,
        or an item type of the tenant's own, must be looked at.
        """
        tenant, wanted = who.tenant, _with_fitting_value(definition)
        await self._check_type(tenant, wanted)
        async with self._database.transaction(tenant) as tx:
            before = await self._variables.get(tx, tenant, wanted.group, wanted.code)
        rules = [] if before is None else await self._rule_issues(tenant, before, wanted)
        async with self._database.transaction(tenant) as tx:
            locked = await self._variables.get(tx, tenant, wanted.group, wanted.code, lock=True)
            if locked is None:
                await check_quota(tx, tenant, DEFINITIONS)
            values = await self._values(tx, tenant, wanted)
            issues = [*_scope_issues(locked, wanted, values), *_value_issues(values, wanted), *rules]
            if issues:
                raise InvalidDefinitionError(issues)
            if not dry_run:
                await self._write(tx, who, locked, wanted, values)
        return wanted

    async def set(self, who: Who, code: str, item: UUID | None, value: JsonValue) -> JsonValue:
        """Sets a tenant's or an item's variable by hand. Raises `UndefinedError` and `InvalidDefinitionError`."""
        async with self._database.transaction(who.tenant) as tx:
            definition = await self._known(tx, who.tenant, "variable", code)
            owner = _owner(definition, who.tenant, item)
            try:
                fit = fitting(value, definition.document)
            except MisfitError as error:
                raise InvalidDefinitionError([Issue("value", f"{code} {error}")]) from error
            stored = await self._variables.stored(tx, owner)
            assigned = Assigned(code, definition.document.scope, fit)
            while not await self._variables.set(tx, owner, assigned, stored.versions.get(code), self._clock()):
                stored = await self._variables.stored(tx, owner)
            if item is None:
                before, after = {"value": stored.named()["var"][code]}, {"value": fit}
                await record(tx, who, "variable-value", code, before, after)
        return fit

    async def value(self, tenant: UUID, code: str, item: UUID | None) -> JsonValue:
        """A variable's value now. Raises `UndefinedError` and `InvalidDefinitionError`."""
        async with self._database.transaction(tenant) as tx:
            definition = await self._known(tx, tenant, "variable", code)
            stored = await self._variables.stored(tx, _owner(definition, tenant, item))
        return stored.named()["var"][code]

    async def get(self, tenant: UUID, group: Group, code: str) -> Definition:
        """Raises `UndefinedError`."""
        async with self._database.transaction(tenant) as tx:
            return await self._known(tx, tenant, group, code)

    async def page(self, tenant: UUID, group: Group, after: str, limit: int) -> list[Definition]:
        """By code, archived ones too."""
        async with self._database.transaction(tenant) as tx:
            return await self._variables.page(tx, tenant, group, after, limit)

    async def _check_type(self, tenant: UUID, wanted: Definition) -> None:
        """Only types of one's own have to be looked up."""
        kind = wanted.document.visible_for
        if kind is None or kind in BUILT_IN:
            return
        schema = await self._entity_service.schema(tenant)
        if schema.item_type(kind) is None:
            raise InvalidDefinitionError([Issue("visible_for", schema.unknown_type(kind))])

    async def _known(self, tx: Connection, tenant: UUID, group: Group, code: str) -> Definition:
        found = await self._variables.get(tx, tenant, group, code)
        if found is None:
            raise UndefinedError(f"{group} {code!r}")
        return found

    async def _values(self, tx: Connection, tenant: UUID, definition: Definition) -> list[tuple[UUID, JsonValue]]:
        return await self._variables.values(tx, tenant, definition.code) if definition.group == "variable" else []

    async def _write(
        self,
        tx: Connection,
        who: Who,
        before: Definition | None,
        wanted: Definition,
        values: Sequence[tuple[UUID, JsonValue]],
    ) -> None:
        await self._variables.put(tx, who.tenant, wanted, who.subject, self._clock())
        if _retyped(before, wanted):
            converted = [(owner, fitting(value, wanted.document)) for owner, value in values]
            await self._variables.migrate(tx, who.tenant, wanted.code, converted, self._clock())
        await record(tx, who, wanted.group, wanted.code, before and before.document, wanted.document)

    async def _rule_issues(self, tenant: UUID, before: Definition, wanted: Definition) -> list[Issue]:
        """Issues that rule sets would have with the change and do not have now."""
        if not _matters(before, wanted):
            return []
        schema = await self._entity_service.schema(tenant)
        async with self._database.transaction(tenant) as tx:
            now = await self._variables.all(tx, tenant)
            documents = await self._rule_sets.in_force(tx, tenant)
        then = [wanted if (one.group, one.code) == (wanted.group, wanted.code) else one for one in now]
        found = list[Issue]()
        for code, document in documents:
            known, wrong = [
                await asyncio.to_thread(RuleSetCheck(document, schema, self._registry, definitions=some).issues)
                for some in (now, then)
            ]
            found += [Issue(f"rule-set/{code}: {one.where}", one.what) for one in wrong if one not in known]
        return found


def _matters(before: Definition, wanted: Definition) -> bool:
    """Whether rules that name it could have something wrong afterwards."""
    shaping = ("type", "multiple", "options", "visible_for", "archived", "scope")
    changed = any(getattr(before.document, name) != getattr(wanted.document, name) for name in shaping)
    constant = wanted.group == "constant" and before.document.value != wanted.document.value
    return changed or (constant and wanted.document.type == "money")


def _retyped(before: Definition | None, wanted: Definition) -> bool:
    return before is not None and (before.document.type, before.document.multiple) != (
        wanted.document.type,
        wanted.document.multiple,
    )


def _with_fitting_value(definition: Definition) -> Definition:
    document: VariableDocument = definition.document
    if not _can_be_named(f"{definition.root}.{definition.code}"):
        raise InvalidDefinitionError(
            [Issue("code", f"{definition.code!r} is a word of texts or expressions: choose another")]
        )
    if document.type == "list" and not document.options:
        raise InvalidDefinitionError([Issue("options", "a list has options to choose from")])
    try:
        value = fitting(document.value, document)
    except MisfitError as error:
        raise InvalidDefinitionError([Issue("value", str(error))]) from error
    return Definition(definition.group, definition.code, document.model_copy(update={"value": value}))


def _can_be_named(path: str) -> bool:
    """Liquid takes `limit` for a keyword, CEL `in`."""
    try:
        parse_text(f"{{{{ {path} }}}}")
        parse_expression(path)
    except ValueFailureError:
        return False
    return True


def _scope_issues(
    before: Definition | None, wanted: Definition, values: Sequence[tuple[UUID, JsonValue]]
) -> list[Issue]:
    if before is None or before.document.scope == wanted.document.scope or not values:
        return []
    return [Issue("scope", f"{len(values)} values are kept for the scope {before.document.scope!r}: it cannot change")]


def _value_issues(values: Sequence[tuple[UUID, JsonValue]], wanted: Definition) -> list[Issue]:
    return misfits([(f"value of {owner}", value) for owner, value in values], wanted.document)[:100]


def _owner(definition: Definition, tenant: UUID, item: UUID | None) -> Owner:
    scope = definition.document.scope
    if scope == "run":
        raise InvalidDefinitionError([Issue("scope", "a run's variable is set by its rules only")])
    if (scope == "item") is not (item is not None):
        wanted = "give the item whose value it is" if scope == "item" else "it has one value for all: give no item"
        raise InvalidDefinitionError([Issue("item", wanted)])
    return Owner(tenant, item)
