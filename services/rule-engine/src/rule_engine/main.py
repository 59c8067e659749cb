"""The rule engine's composition: the only place where its rooms meet."""

import asyncio
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from contracts import topics
from contracts.kit.clock import new_id
from contracts.kit.commands import Commands
from contracts.kit.service import Service
from rule_engine.activities import Activities
from rule_engine.api import (
    assignments,
    automation,
    backfills,
    block_types,
    canaries,
    constants,
    decisions,
    diagnosis,
    employees,
    migrations,
    operator_actions,
    replays,
    rule_set_actions,
    rule_sets,
    rule_types,
    runs,
    simulations,
    variables,
    workflow_runs,
    workflow_starts,
    workflow_views,
    workflows,
)
from rule_engine.application.assignments import AssignmentActions
from rule_engine.application.backfills import BACKFILL, Backfilling
from rule_engine.application.canaries import CANARY, CanaryActions
from rule_engine.application.concurrency import REPLACE_RUNS
from rule_engine.application.diagnoses import Diagnoses
from rule_engine.application.migrations import MIGRATION, Migrating, Mover
from rule_engine.application.named_elsewhere import NamedElsewhere
from rule_engine.application.open_runs import OpenRuns
from rule_engine.application.operator_actions import OperatorActions
from rule_engine.application.recorder import Recorder
from rule_engine.application.replays import Replays
from rule_engine.application.rule_set_checks import RuleSetChecks
from rule_engine.application.rule_sets import Authoring
from rule_engine.application.simulated_items import ItemsOfSimulations
from rule_engine.application.simulated_programs import ProgramsOfSimulations
from rule_engine.application.simulations import Simulations
from rule_engine.application.variables import Defining
from rule_engine.application.waits import Waits
from rule_engine.application.workflow_actions import WorkflowActions
from rule_engine.application.workflow_runs import START_WORKFLOW, WorkflowStarts
from rule_engine.application.workflows import WorkflowAuthoring
from rule_engine.blocks import BLOCKS
from rule_engine.gateway import EntityService, NamedThings, TriggerService
from rule_engine.handlers.commands import Handlers, handling
from rule_engine.handlers.planner import Planner, planning
from rule_engine.handlers.results import Results, results
from rule_engine.jobs import BackfillJob, CanaryJob, Counting, Forgetting, MigrationJob, ReplaceJob, StartJob
from rule_engine.processes import Processes
from rule_engine.quotas import QUOTAS
from rule_engine.rules import REGISTRY, RUNNABLE
from rule_engine.scheduler import Scheduler
from rule_engine.settings import Settings
from rule_engine.store import Store
from rule_engine.temporal_client import connect, renew_api_key
from rule_engine.workflows import RuleRunWorkflow


def build_app(settings: Settings) -> FastAPI:
    """The whole service; nothing connects before the application starts."""
    service = Service("rule-engine", settings, quotas=QUOTAS, api_only=settings.api_only)
    database, clock, store = service.database, service.clock, Store.create(BLOCKS)
    entity_service, trigger_service, named = EntityService(settings), TriggerService(settings), NamedThings(settings)
    open_runs, elsewhere = OpenRuns(), NamedElsewhere(named, database)
    commands = Commands(service=service.name, results=topics.RULE_RESULTS, outbox=service.outbox, clock=clock)
    recorder = Recorder(store, service.outbox, commands, new_id, settings.result_deadline)
    activities = Activities(database, store, recorder, entity_service, RUNNABLE, clock)
    scheduler = Scheduler(settings, database, store, service.outbox, clock)
    checks = RuleSetChecks(database, store.rule_sets, entity_service, trigger_service, elsewhere, REGISTRY)
    authoring = Authoring(database, store.rule_sets, checks, clock, new_id)
    reading = rule_sets.RuleSetReading(database, store.rule_sets)
    defining = Defining(database, store.rule_sets, entity_service, REGISTRY, clock)
    starts = WorkflowStarts(store, entity_service, open_runs, clock, new_id)
    service.consume(planning(Planner(database, store, recorder, entity_service, open_runs, starts, clock)))
    service.consume(results(Results(store, recorder, RUNNABLE, clock)))
    service.consume(handling(commands, Handlers(store, recorder, clock)))
    starting = StartJob(database, store, starts, Waits(store, open_runs, clock), commands)
    service.work({START_WORKFLOW: starting.job(), REPLACE_RUNS: ReplaceJob(database, store, recorder, clock).job()})
    in_pages(service, store, recorder, entity_service, open_runs)
    service.background("forgetting", Forgetting(database, store, clock, settings.decisions_days).run)
    service.background("counting", Counting(database, store, open_runs, clock, settings.sweep_every).run)
    if not settings.api_only:
        _schedule(service, settings, scheduler, activities)
    for client in (entity_service, trigger_service, named):
        service.on_stop(client.close)
    return service.app(
        "rule-engine",
        [
            rule_sets.router(authoring, reading),
            rule_set_actions.router(authoring, reading),
            backfills.router(service, store, Backfilling(store.backfills, entity_service)),
            *migrations.routers(service, store, Migrating(store, clock)),
            rule_types.router(REGISTRY),
            variables.router(defining),
            constants.router(defining),
            runs.router(database, store),
            diagnosis.router(Diagnoses(database, store, entity_service, clock, settings.result_deadline)),
            operator_actions.router(OperatorActions(database, store, recorder, clock, new_id)),
            automation.router(database, store, entity_service),
            employees.router(database, store.rule_sets, store.workflows),
            decisions.router(database, store, clock),
            *in_processes(service, store, checks, entity_service),
            workflow_starts.router(service, store, starts),
            *of_workflows(service, store, recorder, entity_service, elsewhere, authoring),
        ],
    )


def in_pages(
    service: Service, store: Store, recorder: Recorder, entity_service: EntityService, open_runs: OpenRuns
) -> None:
    """Backfills and migrations: work on many items, a page at a time."""
    database, clock = service.database, service.clock
    moving = MigrationJob(database, store, entity_service, Mover(store, recorder, clock, new_id), clock)
    service.work({BACKFILL: BackfillJob(database, store, entity_service, open_runs, clock).job()}, concurrency=2)
    service.work({MIGRATION: moving.job()}, concurrency=2)


def _schedule(service: Service, settings: Settings, scheduler: Scheduler, activities: Activities) -> None:
    """Runs are looked at when they are due, and at once after what is committed here."""
    service.database.on_commit(scheduler.wake)
    service.check("temporal", scheduler.ready)
    service.background("temporal", lambda: drive(settings, scheduler, activities))


def in_processes(
    service: Service, store: Store, checks: RuleSetChecks, entity_service: EntityService
) -> list[APIRouter]:
    """Simulations and replays: long work on what one tenant wrote."""
    database, clock, processes = service.database, service.clock, Processes()
    programs = ProgramsOfSimulations(database, store, checks, REGISTRY, BLOCKS)
    items = ItemsOfSimulations(database, store.entries, entity_service, clock)
    simulating = Simulations(database, store.variables, entity_service, items, programs, RUNNABLE, processes)
    replaying = Replays(database, store, entity_service, programs, RUNNABLE, processes, clock)
    return [simulations.router(simulating), replays.router(replaying)]


def of_workflows(  # noqa: PLR0913 - what it works with
    service: Service,
    store: Store,
    recorder: Recorder,
    entity_service: EntityService,
    elsewhere: NamedElsewhere,
    rule_sets: Authoring,
) -> list[APIRouter]:
    """What authors, operators and employees do with workflows; and canaries, which rule sets have, too."""
    database, clock = service.database, service.clock
    trying = CanaryActions(database, store, clock)
    service.work({CANARY: CanaryJob(database, store, trying, clock).job()})
    authoring = WorkflowAuthoring(database, store, entity_service, elsewhere, REGISTRY, BLOCKS, clock, new_id)
    asking = AssignmentActions(database, store, recorder, service.outbox, entity_service, clock, new_id)
    reading = workflows.WorkflowReading(database, store.workflows)
    return [
        workflows.router(authoring, reading),
        workflow_views.router(reading),
        canaries.router(trying, rule_sets, authoring),
        block_types.router(BLOCKS, REGISTRY),
        workflow_runs.router(service, WorkflowActions(database, store, recorder, clock, new_id)),
        assignments.router(database, store.assignments, asking),
    ]


async def drive(settings: Settings, scheduler: Scheduler, activities: Activities) -> None:
    """Worker and scheduler in one process: so an execution that is due at once is started eagerly."""
    client = await connect(settings)
    worker = Worker(
        client,
        task_queue=settings.temporal_task_queue,
        workflows=[RuleRunWorkflow],
        activities=[activities.advance_run],
        build_id=version("rule-engine"),  # the default hashes the code of every module, which takes seconds
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_concurrent_workflow_tasks=100,
        graceful_shutdown_timeout=settings.graceful_shutdown,
    )
    async with worker, asyncio.TaskGroup() as group:
        group.create_task(renew_api_key(client, settings))
        await scheduler.run(client)
