"""A piece of leased work that ends the process which works on it."""

from pathlib import Path
from uuid import uuid4

import pytest

from contracts.kit.worker.worker import MOST_LOST
from integration.kit.harness import TENANT, Harness
from support.processes import Program
from support.waiting import eventually


@pytest.mark.verify
async def test_work_that_ends_its_process_is_done_alone_and_then_given_up_and_other_work_is_done(
    harness: Harness, tmp_path: Path
) -> None:
    service = harness.service()
    crash_counts = tmp_path / "crash_counts"
    crash_counts.write_text("100")
    names = {"PROBE": service.name, "CRASH_COUNTS": str(crash_counts)}
    probe = Program("integration.kit.working_probe", service.settings, names)
    poison, others = uuid4(), [uuid4() for _ in range(6)]
    for id in (poison, *others):
        kind = "die" if id == poison else "write"
        await harness.sql("INSERT INTO work (id, tenant_id, kind, run_at) VALUES ($1, $2, $3, now())", id, TENANT, kind)
    starts = 0
    while await harness.sql("SELECT FROM work"):
        await probe.start()
        starts += 1
        await eventually(lambda: _ended_or_done(probe, harness))
        await harness.sql("UPDATE work SET leased_until = now() WHERE lease IS NOT NULL")
    await probe.stop()
    assert 100 - int(crash_counts.read_text()) == MOST_LOST
    assert starts == MOST_LOST + 1
    assert sorted(await harness.notes()) == sorted([*map(str, others), "the process that worked on it ended 5 times"])


async def _ended_or_done(probe: Program, harness: Harness) -> bool:
    return not probe.alive or not await harness.sql("SELECT FROM work")
