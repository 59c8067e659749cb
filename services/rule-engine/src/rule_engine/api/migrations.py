"""`/v1/rule-sets/{code}/migrations`, `/v1/workflows/{code}/migrations`: waiting runs go on in the newest version."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import new_id
from contracts.kit.database import Connection
from contracts.kit.http import Page, bad_input, json_response, not_found
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.messages.rule_events import RuleState
from contracts.values import Code
from rule_engine.api.problems import forbidding
from rule_engine.application.migrations import Migrating, UnknownRunsError
from rule_engine.application.permissions import demand
from rule_engine.domain.execution.permissions import Right
from rule_engine.store import Store
from rule_engine.store.migrations import Migration, MigrationStatus

CodePath = Annotated[Code, Path(description="the author-given code of the rule set or workflow")]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
MOST_NAMED = 1_000


class MigrationInput(Input):
    """Which waiting runs go on in the newest published version; by default all of other versions but a canary's.

    With `dry_run`, the default, every run is looked at, and none is moved.
    """

    dry_run: bool = True
    runs: Annotated[list[UUID], Field(min_length=1, max_length=MOST_NAMED)] | None = None
    versions: Annotated[list[Version], Field(min_length=1, max_length=MOST_NAMED)] | None = None


class RuleSetMigrationInput(MigrationInput):
    """The same for rules, where the stages can be chosen, too."""

    stages: Annotated[list[Code], Field(min_length=1, max_length=MOST_NAMED)] | None = None


class MigrationView(BaseModel):
    """A migration and how far it has got.

    `waiting` runs were meant when it was requested. `migrated` ones go on in `version` (with `dry_run`: could),
    and those `left_alone` have no place there, with a reason each.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    code: str
    version: int
    dry_run: bool
    runs: list[UUID] | None
    versions: list[int] | None
    stages: list[str] | None
    status: MigrationStatus
    reason: str | None
    """Why it was cancelled or has failed."""
    waiting: int
    migrated: int
    left_alone: int
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None


class PlaceView(BaseModel):
    """Where a run is: a rule whose turn it is, or a block that waits, and what comes after it."""

    model_config = ConfigDict(from_attributes=True)

    step: int
    name: str
    type: str
    state: RuleState
    until: datetime | None
    """When it goes on by itself; null: at once, or when what it waits for has come."""
    awaits: list[str]
    next: str | None


class MigratedRunView(BaseModel):
    """What became of a run, or with `dry_run` would become of it: its places before and after."""

    model_config = ConfigDict(from_attributes=True)

    run_id: UUID
    item_id: UUID
    stage: str
    from_version: int
    moves: bool
    reason: str | None
    """Why it stays where it is."""
    before: list[PlaceView]
    after: list[PlaceView]


@dataclass(frozen=True, slots=True)
class _Of:
    """Migrations of rule sets, or of workflows."""

    service: Service
    store: Store
    migrating: Migrating
    workflow: bool

    @property
    def role(self) -> Role:
        """Who may ask for them; a workflow says itself who may operate it."""
        return Role.VIEWER if self.workflow else Role.OPERATOR

    async def newest(self, tx: Connection, caller: Caller, code: str, right: Right) -> int:
        """The version that runs are moved to; for those who have the right."""
        versions = self.store.workflows if self.workflow else self.store.rule_sets
        one = await versions.read(tx, (caller.tenant, code))
        if one is None or one.newest is None:
            raise not_found(f"published {'workflow' if self.workflow else 'rule set'} {code!r}")
        if self.workflow:
            with forbidding():
                await demand(tx, self.store.workflows, caller, code, right)
        return one.newest

    async def one(
        self, tx: Connection, caller: Caller, code: str, id: UUID, right: Right, *, lock: bool = False
    ) -> Migration:
        await self.newest(tx, caller, code, right)
        migration = await self.store.migrations.get(tx, caller.tenant, id, lock=lock)
        is_meant = migration is not None and (migration.code, migration.workflow) == (code, self.workflow)
        return found(migration if is_meant else None, "such migration")

    async def request(self, request: Request, caller: Caller, code: str, body: RuleSetMigrationInput) -> Response:
        async def record(tx: Connection) -> Response:
            migration = Migration(
                tenant_id=caller.tenant,
                id=new_id(),
                code=code,
                workflow=self.workflow,
                version=await self.newest(tx, caller, code, "operate"),
                requested_by=caller.subject,
                requested_at=self.service.clock(),
                **dict(body),
            )
            try:
                migration = await self.migrating.request(tx, migration)
            except UnknownRunsError as error:
                raise bad_input("nothing was moved", *error.issues) from error
            return json_response(MigrationView.model_validate(migration), 202)

        once = self.service.idempotency.once
        return await once(request, tenant=caller.tenant, subject=caller.subject, do=record)


def routers(service: Service, store: Store, migrating: Migrating) -> list[APIRouter]:
    """Operators request migrations, and those whom a workflow allows to act on its runs; others may read them."""
    of_rule_sets, of_workflows = (_Of(service, store, migrating, workflow) for workflow in (False, True))
    rule_sets = APIRouter(prefix="/v1/rule-sets/{code}/migrations", tags=["rule sets"])
    workflows = APIRouter(prefix="/v1/workflows/{code}/migrations", tags=["workflows"])

    @rule_sets.post("", status_code=202, response_model=MigrationView)
    async def migrate_rules(
        code: CodePath, body: RuleSetMigrationInput, request: Request, caller: Caller = require(Role.OPERATOR)
    ) -> Response:
        """Looks what would become of waiting runs in the newest version; without `dry_run` they go on there."""
        return await of_rule_sets.request(request, caller, code, body)

    @workflows.post("", status_code=202, response_model=MigrationView)
    async def migrate_workflow(
        code: CodePath, body: MigrationInput, request: Request, caller: Caller = require(of_workflows.role)
    ) -> Response:
        """Looks what would become of waiting runs in the newest version; without `dry_run` they go on there."""
        return await of_workflows.request(request, caller, code, RuleSetMigrationInput(**dict(body)))

    for routes, of in ((rule_sets, of_rule_sets), (workflows, of_workflows)):
        _add_reading(routes, of)
    return [rule_sets, workflows]


def _add_reading(routes: APIRouter, of: _Of) -> None:
    database, migrations = of.service.database, of.store.migrations

    @routes.get("")
    async def list_migrations(
        code: CodePath, paging: Paged, caller: Caller = require(Role.VIEWER)
    ) -> Page[MigrationView]:
        """All that were requested, the newest first."""
        async with database.transaction(caller.tenant) as tx:
            await of.newest(tx, caller, code, "see")
            rows = await migrations.page(
                tx, caller.tenant, code, workflow=of.workflow, before=paging.id, limit=paging.rows
            )
        return paging.page(rows, lambda one: (one.id,), MigrationView.model_validate)

    @routes.get("/{id}")
    async def get_migration(code: CodePath, id: UUID, caller: Caller = require(Role.VIEWER)) -> MigrationView:
        """How far a migration has got."""
        async with database.transaction(caller.tenant) as tx:
            return MigrationView.model_validate(await of.one(tx, caller, code, id, "see"))

    @routes.get("/{id}/runs")
    async def list_migrated_runs(
        code: CodePath,
        id: UUID,
        paging: Paged,
        moves: bool | None = None,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[MigratedRunView]:
        """What became of each run that was looked at so far; `moves` chooses those that move, or those that do not."""
        async with database.transaction(caller.tenant) as tx:
            migration = await of.one(tx, caller, code, id, "see")
            rows = await migrations.noted(tx, migration, moves=moves, after=paging.id, limit=paging.rows)
        return paging.page(rows, lambda one: (one.run_id,), MigratedRunView.model_validate)

    @routes.post("/{id}/cancel")
    async def cancel_migration(code: CodePath, id: UUID, caller: Caller = require(of.role)) -> MigrationView:
        """What is not moved yet stays as it is. Changes nothing of a migration that has ended."""
        async with database.transaction(caller.tenant) as tx:
            migration = await of.one(tx, caller, code, id, "operate", lock=True)
            return MigrationView.model_validate(await of.migrating.cancel(tx, migration, caller.subject))
