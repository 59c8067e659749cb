"""What runs wait for, and what to try next: of one run, and of all of an item."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from contracts.kit.auth import Caller, Role, require
from contracts.kit.routes import found
from rule_engine.api.problems import forbidding
from rule_engine.application.diagnoses import DiagnosedRun, Diagnoses


class FindingView(BaseModel):
    """One thing that the run waits for. `urgency` is 0 for what only a person can end, to 5 for what ends by itself."""

    model_config = ConfigDict(from_attributes=True)

    urgency: int
    what: str
    remedy: str
    step: int | None
    name: str | None
    until: datetime | None
    since: datetime | None
    """Null: from when on is not known."""


class DiagnosisView(BaseModel):
    """What a run waits for, the most urgent first; nothing when it is finished."""

    run_id: UUID
    item_id: UUID
    rule_set: str
    """The code of the rule set, or of the workflow."""
    workflow: bool
    version: int
    stage: str
    finished: bool
    findings: list[FindingView]


class ItemDiagnosisView(BaseModel):
    """The item's unfinished runs, at most 100, the one that needs somebody most first."""

    item_id: UUID
    runs: list[DiagnosisView]


def router(diagnoses: Diagnoses) -> APIRouter:
    """For everybody."""
    routes = APIRouter()

    @routes.get("/v1/runs/{run_id}/diagnosis", tags=["runs"])
    async def get_diagnosis(run_id: UUID, caller: Caller = require(Role.VIEWER)) -> DiagnosisView:
        """What an unfinished run waits for, ranked, each with the next thing to try."""
        with forbidding():
            return _view(found(await diagnoses.of_run(caller, run_id), "such run"))

    @routes.get("/v1/automation/items/{item_id}/diagnosis", tags=["automation"])
    async def get_item_diagnosis(item_id: UUID, caller: Caller = require(Role.VIEWER)) -> ItemDiagnosisView:
        """What the item's unfinished runs wait for, chains of rules and workflows."""
        runs = found(await diagnoses.of_item(caller, item_id), "item with this id that automation has heard of")
        return ItemDiagnosisView(item_id=item_id, runs=[_view(one) for one in runs])

    return routes


def _view(one: DiagnosedRun) -> DiagnosisView:
    run = one.run
    return DiagnosisView(
        run_id=run.id,
        item_id=run.item_id,
        rule_set=run.rule_set,
        workflow=run.workflow,
        version=run.version,
        stage=run.stage,
        finished=run.state.finished,
        findings=[FindingView.model_validate(finding) for finding in one.diagnosis.findings()],
    )
