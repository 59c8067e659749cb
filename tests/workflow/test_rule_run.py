"""The durable part on the time-skipping server: months pass in moments, and nothing else happens in them."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest_asyncio
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

from local_stack.testing import start_time_skipping
from rule_engine.activities import RunRef
from rule_engine.workflows import RuleRunWorkflow

QUEUE = "rule-engine"


class Advances:
    """Stands where the engine's activity stands, and remembers when it was called."""

    def __init__(self, environment: WorkflowEnvironment, failures: int = 0) -> None:
        self._environment = environment
        self._failures = failures
        self.calls: list[tuple[RunRef, datetime]] = []

    @activity.defn(name="advance_run")
    async def advance_run(self, ref: RunRef) -> None:
        self.calls.append((ref, await self._environment.get_current_time()))
        if len(self.calls) <= self._failures:
            raise ConnectionError("the database is away")


@pytest_asyncio.fixture(scope="session")
async def environment(time_skipping: Path) -> AsyncIterator[WorkflowEnvironment]:
    """One server for all."""
    async with await start_time_skipping(time_skipping, data_converter=pydantic_data_converter) as environment:
        yield environment


def worker(client: Client, advances: Advances) -> Worker:
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=[RuleRunWorkflow],
        activities=[advances.advance_run],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )


def reference() -> RunRef:
    return RunRef(tenant=uuid4(), run_id=uuid4(), generation=3)


async def test_a_run_parked_for_half_a_year_wakes_when_it_is_due_and_advances_once(
    environment: WorkflowEnvironment,
) -> None:
    advances, ref = Advances(environment), reference()
    started = await environment.get_current_time()
    async with worker(environment.client, advances):
        await environment.client.execute_workflow(
            RuleRunWorkflow.run, ref, id=ref.workflow_id, task_queue=QUEUE, start_delay=timedelta(days=180)
        )
    assert [call[0] for call in advances.calls] == [ref]
    assert advances.calls[0][1] - started >= timedelta(days=180)


async def test_a_failing_advance_is_tried_again_until_it_works(environment: WorkflowEnvironment) -> None:
    advances, ref = Advances(environment, failures=2), reference()
    async with worker(environment.client, advances):
        await environment.client.execute_workflow(RuleRunWorkflow.run, ref, id=ref.workflow_id, task_queue=QUEUE)
    assert len(advances.calls) == 3


async def test_the_history_of_a_run_holds_ids_only_and_replays(environment: WorkflowEnvironment) -> None:
    advances, ref = Advances(environment), reference()
    async with worker(environment.client, advances):
        handle = await environment.client.start_workflow(RuleRunWorkflow.run, ref, id=ref.workflow_id, task_queue=QUEUE)
        await handle.result()
    history = await handle.fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    assert RunRef.model_validate_json(started.input.payloads[0].data) == ref
    assert set(RunRef.model_fields) == {"tenant", "run_id", "generation"}
    replayer = Replayer(
        workflows=[RuleRunWorkflow],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    await replayer.replay_workflow(history)


def test_the_id_of_an_execution_names_run_and_generation() -> None:
    ref = reference()
    assert ref.workflow_id == f"run/{ref.run_id}/3"
