"""Looks up what other services have of what rules name: templates, channels."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from contracts.kit.broker import OutageError
from rule_engine.domain.actions import Elsewhere, Named
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.gateway import NamedThings


class NamedElsewhere:
    """Asks those services only that have what is named."""

    def __init__(self, named_things: NamedThings) -> None:
        self._named_things = named_things

    async def of(self, tenant: UUID, named: Collection[Named], where: str) -> tuple[Elsewhere, list[RuleIssue]]:
        """What there is; and warnings, said of the place `where`, for what could not be looked up."""
        found, not_asked = dict[Named, Any](), list[RuleIssue]()
        for what in sorted(named):
            ask = self._named_things.templates if what == "templates" else self._named_things.channels
            try:
                found[what] = await ask(tenant)
            except OutageError as error:
                text = f"{what} that rules name were not looked up: {error}; publish again later to have them looked up"
                not_asked.append(RuleIssue(where, None, text))
        return Elsewhere(**found), not_asked
