"""`/v1/rule-sets/{code}/…`: what differs between versions; roll back, copy rules, switch them on and off."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.values import Code
from rule_engine.api.rule_sets import CodePath, RuleSetReading, RuleSetView
from rule_engine.api.versions import RollBack, Wanted, refusals_as_problems
from rule_engine.application.rule_sets import Authoring
from rule_engine.domain.authoring.diff import Change, Kind, changes
from rule_engine.domain.authoring.editing import Copying
from rule_engine.domain.language.variables import Name


class ChangeView(BaseModel):
    """One difference: of the rule set, or of a rule, or of one field of it; `what` says it in words."""

    model_config = ConfigDict(from_attributes=True)

    kind: Kind
    stage: str | None
    rule: str | None
    field: str | None
    before: Any
    after: Any
    what: str


class DiffView(BaseModel):
    """What is different in version `to`, seen from `from`."""

    from_: Annotated[int, Field(serialization_alias="from")]
    to: int
    changes: list[ChangeView]


class RuleRef(Input):
    """A rule by its stage and name."""

    stage: Code
    name: Name


class Switch(Input):
    """The rules to switch."""

    rules: Annotated[tuple[RuleRef, ...], Field(min_length=1, max_length=1000)]


class Copy(Input):
    """Rules of a stage to copy. `to` is the code of the rule set that gets them; null: the same one."""

    stage: Code
    to_stage: Code
    to: Code | None = None
    rules: Annotated[tuple[Name, ...], Field(min_length=1, max_length=200)] | None = None
    """Their names; null: all of the stage."""
    publish: bool = False


def router(authoring: Authoring, reading: RuleSetReading) -> APIRouter:
    """Everybody may compare; authors may change."""
    routes = APIRouter(prefix="/v1/rule-sets/{code}", tags=["rule sets"])

    @routes.get("/diff")
    async def diff(
        code: CodePath,
        from_: Annotated[Wanted, Query(alias="from")] = "newest",
        to: Annotated[Wanted, Query()] = "draft",
        caller: Caller = require(Role.VIEWER),
    ) -> DiffView:
        """What differs between two versions, by default what publishing the draft would change."""
        before, after = await reading.two(caller.tenant, code, from_, to)
        found = [_change(one) for one in changes(before.document, after.document)]
        return DiffView(from_=before.version, to=after.version, changes=found)

    @routes.post("/rollback")
    async def roll_back(code: CodePath, body: RollBack, caller: Caller = require(Role.AUTHOR)) -> RuleSetView:
        """Publishes an old version as a new one, if it can still be published; a draft stays."""
        async with refusals_as_problems(f"rule set {code!r}"):
            findings = await authoring.roll_back(caller, code, body.version)
        return await reading.one(caller.tenant, code, "newest", findings)

    @routes.post("/rules/enable")
    async def enable(code: CodePath, body: Switch, caller: Caller = require(Role.AUTHOR)) -> RuleSetView:
        """Switches rules on, as a new published version; items already in the stage keep the version they have."""
        return await _switch(code, body, caller, enabled=True)

    @routes.post("/rules/disable")
    async def disable(code: CodePath, body: Switch, caller: Caller = require(Role.AUTHOR)) -> RuleSetView:
        """Switches rules off, as a new published version; what waits already is not cancelled by that."""
        return await _switch(code, body, caller, enabled=False)

    @routes.post("/copy")
    async def copy(code: CodePath, body: Copy, caller: Caller = require(Role.AUTHOR)) -> RuleSetView:
        """Copies rules to the end of another stage, also of another pipeline; names stay unique. Answers the target."""
        to = body.to or code
        async with refusals_as_problems(f"rule set {to!r}"):
            copying = Copying(body.stage, body.to_stage, body.rules)
            findings = await authoring.copy(caller, code, copying, to, publish=body.publish)
        return await reading.one(caller.tenant, to, None, findings)

    async def _switch(code: str, body: Switch, caller: Caller, *, enabled: bool) -> RuleSetView:
        async with refusals_as_problems(f"rule set {code!r}"):
            rules = [(one.stage, one.name) for one in body.rules]
            findings = await authoring.switch(caller, code, rules, enabled=enabled)
        return await reading.one(caller.tenant, code, "newest", findings)

    return routes


def _change(change: Change) -> ChangeView:
    return ChangeView.model_validate(change)
