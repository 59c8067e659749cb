"""Looks up what rules name of other services, templates and channels, and of the engine itself: workflows."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from contracts.kit.broker import OutageError
from contracts.kit.database import Database
from rule_engine.domain.actions import Elsewhere, Named
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.gateway import NamedThings
from rule_engine.store.workflows import Workflows


class NamedElsewhere:
    """Asks those only that have what is named."""

    def __init__(self, named_things: NamedThings, database: Database) -> None:
        self._database = database
        self._workflows = Workflows()
        self._ask: Mapping[Named, Callable[[UUID], Awaitable[Sequence[Any]]]] = {
            "templates": named_things.templates,
            "channels": named_things.channels,
            "workflows": self._published_workflows,
        }

    async def of(self, tenant: UUID, named: Collection[Named], where: str) -> tuple[Elsewhere, list[RuleIssue]]:
        """What there is; and warnings, said of the place `where`, for what could not be looked up."""
        found, not_asked = dict[Named, Any](), list[RuleIssue]()
        for what in sorted(named):
            try:
                found[what] = await self._ask[what](tenant)
            except OutageError as error:
                text = f"{what} that rules name were not looked up: {error}; publish again later to have them looked up"
                not_asked.append(RuleIssue(where, None, text))
        return Elsewhere(**found), not_asked

    async def _published_workflows(self, tenant: UUID) -> Sequence[str]:
        async with self._database.transaction(tenant) as tx:
            return await self._workflows.published(tx, tenant)
