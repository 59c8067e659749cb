"""Long work in processes of its own."""

import asyncio
import os
from pathlib import Path

import psutil
import pytest

from rule_engine import processes
from rule_engine.processes import ProcessFailedError, in_process
from support import long_work
from support.waiting import eventually


async def test_work_is_done_in_another_process_which_yields_to_others() -> None:
    given, niceness, process = (await in_process(long_work.who, "here")).decode().split()
    assert (given, niceness) == ("here", "10")
    assert int(process) != os.getpid()


async def test_a_process_that_ends_without_findings_is_told_with_its_code() -> None:
    with pytest.raises(ProcessFailedError, match="its process ended with 3"):
        await in_process(long_work.die, 3)


async def test_what_takes_too_long_is_killed_with_its_own_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.create_task(in_process(long_work.sleep_in_two, tmp_path))
    await eventually(lambda: _two(tmp_path), "two processes")
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await eventually(lambda: _ended(tmp_path), "their end")

    monkeypatch.setattr(processes, "LONGEST_S", 0.2)
    with pytest.raises(ProcessFailedError, match="longer than"):
        await in_process(long_work.sleep_in_two, tmp_path)
    await eventually(lambda: _ended(tmp_path), "their end")


async def _two(folder: Path) -> bool:
    return len(os.listdir(folder)) == 2


async def _ended(folder: Path) -> bool:
    return not any(psutil.pid_exists(int(one)) for one in os.listdir(folder))
