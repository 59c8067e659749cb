"""`/v1/rule-sets/{code}/replays`, `/v1/workflows/{code}/replays`: what another version would have decided."""

from fastapi import APIRouter, Response

from contracts.kit.auth import Caller, Role, require
from rule_engine.api import rule_sets, workflows
from rule_engine.api.problems import forbidding, process_problems
from rule_engine.api.versions import refusals_as_problems
from rule_engine.application.replays import Replays
from rule_engine.domain.replay.findings import ReplayFindings
from rule_engine.domain.replay.request import ReplayDocument


def router(replays: Replays) -> APIRouter:
    """For authors."""
    routes = APIRouter()

    @routes.post("/v1/rule-sets/{code}/replays", response_model=ReplayFindings, tags=["rule sets"])
    async def replay_rule_set(
        code: rule_sets.CodePath, body: ReplayDocument, caller: Caller = require(Role.AUTHOR)
    ) -> Response:
        """What a version would have decided otherwise in the last days, rule by rule, without effects."""
        return await _replayed(caller, code, body, workflow=False)

    @routes.post("/v1/workflows/{code}/replays", response_model=ReplayFindings, tags=["workflows"])
    async def replay_workflow(
        code: workflows.CodePath, body: ReplayDocument, caller: Caller = require(Role.AUTHOR)
    ) -> Response:
        """What the actions of a version would have decided otherwise in the last days, without effects."""
        return await _replayed(caller, code, body, workflow=True)

    async def _replayed(caller: Caller, code: str, body: ReplayDocument, *, workflow: bool) -> Response:
        what = f"{'workflow' if workflow else 'rule set'} {code!r}"
        with forbidding(), process_problems("simulations and replays", "nothing was replayed"):
            async with refusals_as_problems(what):
                found = await replays.run(caller, code, body, workflow=workflow)
        return Response(found, media_type="application/json")

    return routes
