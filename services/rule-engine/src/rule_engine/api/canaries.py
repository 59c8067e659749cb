"""`/v1/rule-sets/{code}/canary`, `/v1/workflows/{code}/canary`: a version is tried by a share of the items."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import not_found
from contracts.texts import Title
from contracts.values import Code
from rule_engine.api.versions import refusals_as_problems
from rule_engine.application.canaries import CanaryActions, Comparison, NewCanary, NoCanaryError, words
from rule_engine.application.rule_sets import Authoring
from rule_engine.application.workflows import WorkflowAuthoring
from rule_engine.domain.execution.canaries import Counts
from rule_engine.store.canaries import CanaryState, Of

Percent = Annotated[int, Field(ge=1, le=99)]
Rate = Annotated[float, Field(ge=0, lt=1)]
CodePath = Annotated[Code, Path(description="the author-given code of the rule set or workflow")]


class CanaryInput(Input):
    """The draft is tried by `share` percent of the items that enter, or on which it is started, from now on.

    It is rolled back by itself once `after` of its rules have ended and its rate of failures, or of refusals, is so
    much above that of the rest: 0.05 is five in a hundred more. Null: not because of that.
    """

    share: Percent
    failed: Rate | None = 0.05
    refused: Rate | None = 0.1
    after: Annotated[int, Field(ge=1, le=10_000)] = 20


class ShareInput(Input):
    """Another share. A growing one keeps the items that it had."""

    share: Percent


class RollBackCanary(Input):
    """Why, for people."""

    reason: Title = "by hand"


class CountsView(BaseModel):
    """What the rules of a version have come to that were planned since the canary began."""

    version: int
    items: int
    ended: int
    effects: int
    skipped: int
    refused: int
    failed: int
    effects_rate: float
    skipped_rate: float
    refused_rate: float
    failed_rate: float


class CanaryView(BaseModel):
    """A version that is, or was, tried by a share of the items, beside `base` for the others."""

    model_config = ConfigDict(from_attributes=True)

    version: int
    base: int
    share: int
    failed: float | None
    refused: float | None
    after: int
    state: CanaryState
    started_by: str
    started_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    reason: str | None


class ComparisonView(CanaryView):
    """The newest canary: it and the rest in numbers; and up to 19 before it."""

    tried: CountsView
    rest: CountsView
    earlier: list[CanaryView]


def router(actions: CanaryActions, rule_sets: Authoring, workflows: WorkflowAuthoring) -> APIRouter:
    """Everybody may look; authors begin, promote and roll back."""
    routes = APIRouter()
    _add(routes, actions, rule_sets, workflow=False)
    _add(routes, actions, workflows, workflow=True)
    return routes


def _add(
    routes: APIRouter, actions: CanaryActions, authoring: Authoring | WorkflowAuthoring, *, workflow: bool
) -> None:
    """The same routes of both."""
    name = "workflow" if workflow else "rule_set"
    path, tags = f"/v1/{name.replace('_', '-')}s/{{code}}/canary", [f"{name.replace('_', ' ')}s"]

    @routes.post(path, name=f"begin_{name}_canary", tags=[*tags])
    async def begin(code: CodePath, body: CanaryInput, caller: Caller = require(Role.AUTHOR)) -> ComparisonView:
        """The draft is checked as if it were published, and tried by a share of the items."""
        of = Of(caller.tenant, code, workflow)
        async with refusals_as_problems(words(of)):
            await authoring.publish(caller, code, trying=NewCanary(**body.model_dump()))
        return _view(await actions.comparison(of))

    @routes.get(path, name=f"get_{name}_canary", tags=[*tags])
    async def get(code: CodePath, caller: Caller = require(Role.VIEWER)) -> ComparisonView:
        """The newest canary: failures, refusals and effects of it and of the rest since it began."""
        async with _none_as_404():
            return _view(await actions.comparison(Of(caller.tenant, code, workflow)))

    @routes.patch(path, name=f"change_{name}_canary", tags=[*tags])
    async def change(code: CodePath, body: ShareInput, caller: Caller = require(Role.AUTHOR)) -> ComparisonView:
        """Another share of the items that enter from now on."""
        of = Of(caller.tenant, code, workflow)
        async with _none_as_404():
            await actions.grow(of, caller, body.share)
            return _view(await actions.comparison(of))

    @routes.post(f"{path}/promote", name=f"promote_{name}_canary", tags=[*tags])
    async def promote(code: CodePath, caller: Caller = require(Role.AUTHOR)) -> ComparisonView:
        """Publishes it: all items that enter from now on run on it."""
        of = Of(caller.tenant, code, workflow)
        async with _none_as_404():
            await actions.promote(of, caller)
            return _view(await actions.comparison(of))

    @routes.post(f"{path}/rollback", name=f"roll_back_{name}_canary", tags=[*tags])
    async def roll_back(code: CodePath, body: RollBackCanary, caller: Caller = require(Role.AUTHOR)) -> ComparisonView:
        """No item that enters from now on runs on it; those that do go on."""
        of = Of(caller.tenant, code, workflow)
        async with _none_as_404():
            await actions.roll_back(of, caller, body.reason)
            return _view(await actions.comparison(of))


@asynccontextmanager
async def _none_as_404() -> AsyncGenerator[None]:
    try:
        yield
    except NoCanaryError as error:
        raise not_found(str(error)) from error


def _view(found: Comparison) -> ComparisonView:
    return ComparisonView(
        **CanaryView.model_validate(found.canary).model_dump(),
        tried=_counts(found.canary.version, found.tried),
        rest=_counts(found.canary.base, found.rest),
        earlier=[CanaryView.model_validate(one) for one in found.earlier],
    )


def _counts(version: int, counts: Counts) -> CountsView:
    numbers = {name: getattr(counts, name) for name in ("effects", "skipped", "refused", "failed")}
    rates = {f"{name}_rate": round(counts.rate(number), 4) for name, number in numbers.items()}
    return CountsView(version=version, items=counts.items, ended=counts.ended, **numbers, **rates)
