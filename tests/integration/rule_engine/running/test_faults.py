"""The engine's servers and neighbours taken away: nothing is lost, nothing doubled, waits go on."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid5

import pytest

from contracts.messages.comms import Notify, SendMessage
from contracts.messages.results import CommandDone
from contracts.messages.rule_commands import ScheduleWait
from contracts.topics import RULE_COMMANDS
from integration.rule_engine.running.test_running import GREET, LATER, REMIND, open_executions
from local_stack.testing import PrivateServers
from rule_engine.domain.execution.waits import WAIT
from rule_engine.main import build_app
from support.engine import Deal, Harness, open_harness
from support.messages import order
from support.waiting import eventually

pytestmark = pytest.mark.verify


async def test_a_command_without_a_result_is_sent_again_byte_for_byte(harness: Harness) -> None:
    impatient = harness.settings.model_copy(update={"result_deadline": harness.settings.sweep_every})
    async with harness.engine(build_app(impatient)):
        deal = Deal(harness)
        await deal.has_rules({"new": [GREET]})
        await deal.enters("new")
        await deal.command(SendMessage)

        async def asked_again() -> bool:
            sent = harness.kafka_probe.said(deal.tenant, SendMessage)
            assert len({(m.id, m.time, m.data) for m in sent}) == 1
            return len(sent) >= 3

        await eventually(asked_again)


async def test_an_engine_without_entity_service_waits_and_blames_no_run(harness: Harness) -> None:
    async with harness.engine():
        deal = Deal(harness)
        await deal.has_rules({"new": [REMIND | {"run": {"when": "after", "seconds": 1}}]})
        await deal.enters("new")
        await deal.reaches("remind", "waiting")
        harness.entity.away = True
        before = harness.entity.asked

        async def asked() -> bool:
            return harness.entity.asked >= before + 3

        await eventually(asked, "some attempts")
        assert (await deal.rules())["remind"]["state"] == "waiting"
        harness.entity.away = False
        await deal.command(Notify)


@pytest.mark.invariant(4)
async def test_a_wiped_temporal_is_rebuilt_from_the_rows_with_the_same_due_times(
    postgres: str, kafka: str, private_servers: PrivateServers, tmp_path: Path
) -> None:
    temporal = private_servers.temporal()
    async with open_harness(postgres, kafka, temporal.address, tmp_path) as harness:
        deal = Deal(harness)
        async with harness.engine():
            await deal.has_rules({"new": [LATER]})
            await deal.enters("new")
            waiting = await deal.reaches("later", "waiting")
            await eventually(lambda: open_executions(harness, waiting["run_id"]))
        temporal.kill()
        shutil.rmtree(temporal.home)
        temporal.start()
        async with harness.engine():
            assert await eventually(lambda: open_executions(harness, waiting["run_id"])) == [
                f"run/{waiting['run_id']}/2"
            ]
            handle = harness.temporal.get_workflow_handle(f"run/{waiting['run_id']}/2")
            description = await handle.describe()
            assert description.execution_time is not None
            due = datetime.fromisoformat(waiting["due_at"])
            assert abs((description.execution_time - due).total_seconds()) < 1
            assert (await deal.rules())["later"]["due_at"] == waiting["due_at"]
            assert (await deal.act((await deal.rules())["later"], "run-now")).is_success
            await eventually(lambda: _commands(deal))


@pytest.mark.invariant(4)
async def test_a_wait_of_another_service_survives_a_wiped_temporal(
    postgres: str, kafka: str, private_servers: PrivateServers, tmp_path: Path
) -> None:
    temporal = private_servers.temporal()
    async with open_harness(postgres, kafka, temporal.address, tmp_path) as harness:
        deal = Deal(harness)
        wait = ScheduleWait(item_id=deal.item, until=datetime.now(UTC) + timedelta(seconds=30), payload="what for")
        asked = order(wait, deal.tenant, deal.item)
        async with harness.engine():
            await deal.enters("new")
            await harness.kafka_probe.publish(RULE_COMMANDS, asked)
            run = str(uuid5(asked.command_id, WAIT))
            await eventually(lambda: open_executions(harness, run))
        temporal.kill()
        shutil.rmtree(temporal.home)
        temporal.start()
        async with harness.engine():
            (done,) = await harness.kafka_probe.results(asked.command_id)
        assert done == CommandDone(command_id=asked.command_id, outputs={"payload": "what for"})


async def _commands(deal: Deal) -> bool:
    return len(deal.commands()) == 1


@pytest.mark.invariant(12)
async def test_a_stray_execution_is_ended_and_does_nothing(harness: Harness) -> None:
    async with harness.engine():
        deal = Deal(harness)
        await deal.has_rules({"new": [LATER]})
        await deal.enters("new")
        waiting = await deal.reaches("later", "waiting")
        await eventually(lambda: open_executions(harness, waiting["run_id"]))
        await harness.service_environment.sql(
            """UPDATE timers SET generation = generation + 5, scheduled_generation = generation + 5,
                   has_execution = false WHERE tenant_id = $1""",
            deal.tenant,
        )
    async with harness.engine():

        async def gone() -> bool:
            return not await open_executions(harness, waiting["run_id"])

        await eventually(gone, "the stray execution's end")
        assert deal.commands() == []
