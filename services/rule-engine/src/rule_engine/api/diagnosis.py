"""`/v1/runs/{id}/diagnosis`: what a run waits for, and what to try next."""

from datetime import datetime, timedelta
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, Database
from contracts.kit.routes import found
from rule_engine import messages
from rule_engine.domain.execution.diagnosis import Diagnosis, Look, SentCommand
from rule_engine.store import Store


class FindingView(BaseModel):
    """One thing that the run waits for. `urgency` is 0 for what only a person can end, to 5 for what ends by itself."""

    model_config = ConfigDict(from_attributes=True)

    urgency: int
    what: str
    remedy: str
    step: int | None
    name: str | None
    until: datetime | None


class DiagnosisView(BaseModel):
    """What a run waits for, the most urgent first; nothing when it is finished."""

    run_id: UUID
    finished: bool
    findings: list[FindingView]


def router(database: Database, store: Store, clock: Clock, result_deadline: timedelta) -> APIRouter:
    """For everybody."""
    routes = APIRouter(prefix="/v1/runs", tags=["runs"])

    @routes.get("/{run_id}/diagnosis")
    async def get_diagnosis(run_id: UUID, caller: Caller = require(Role.VIEWER)) -> DiagnosisView:
        """What an unfinished run waits for, ranked, each with the next thing to try."""
        async with database.transaction(caller.tenant) as tx:
            diagnosis = found(await _diagnosis(tx, caller.tenant, run_id), "such run")
        findings = [FindingView.model_validate(one) for one in diagnosis.findings()]
        return DiagnosisView(run_id=run_id, finished=diagnosis.state.finished, findings=findings)

    async def _diagnosis(tx: Connection, tenant: UUID, run_id: UUID) -> Diagnosis | None:
        row = await store.runs.get(tx, tenant, run_id)
        if row is None:
            return None
        run, timer = await store.programs.of_run(tx, row), await store.timers.get(tx, run_id)
        sent = await store.commands.of_run(tx, tenant, run_id)
        commands = {id: SentCommand(messages.topic_named(topic).owner, at) for id, (topic, at) in sent.items()}
        look = Look(timer.wake_at, timer.failures) if timer else Look(None)
        return Diagnosis(run.program, run.state, clock(), look, commands, result_deadline)

    return routes
