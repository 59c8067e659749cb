"""A stack for one run: brought up on ports of its own, ended again, its logs kept when something was wrong."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

from rich.markup import escape

from local_stack.addresses import OFFSETS, Addresses
from local_stack.errors import StackError
from local_stack.layout import WORKSPACE, remove_folder
from local_stack.report import Report
from local_stack.stack import Stack
from local_stack.testing import end_dead_sessions, free_port_base

SESSIONS = WORKSPACE / ".stack/chaos"
SETTINGS = {
    "LEASE_S": "10",
    "RESULT_DEADLINE": "PT30S",
    "FORM_POSTS_PER_MINUTE": "100000",
    "RECEIPTS_PER_SECOND": "10000",
}
"""What killed processes leave behind is taken up within the run; the whole load comes from one address."""


def play[S: Stack](
    make: Callable[[Path, Addresses, Report], S], run: Callable[[S], Coroutine[None, None, int]], report: Report
) -> int:
    """The exit code that `run` returns, or 1 for an error, which is reported."""
    os.environ |= SETTINGS
    SESSIONS.mkdir(parents=True, exist_ok=True)
    end_dead_sessions(SESSIONS)
    stack = make(SESSIONS / f"{os.getpid()}/stack", Addresses(free_port_base(OFFSETS.values())), report)
    code = 1
    try:
        stack.up()
        code = asyncio.run(run(stack))
    except* (StackError, AssertionError, TimeoutError) as failures:
        for error in _leaves(failures):
            report.say(f"[red]{type(error).__name__}: {escape(str(error))}[/red]")
    finally:
        stack.kill(["all"])
        _clear(stack, keep_logs=code != 0)
    return code


def _leaves(failures: BaseExceptionGroup) -> Iterator[BaseException]:
    for one in failures.exceptions:
        yield from _leaves(one) if isinstance(one, BaseExceptionGroup) else (one,)


def _clear(stack: Stack, *, keep_logs: bool) -> None:
    for part in stack.parts:
        remove_folder(part.home)
    if not keep_logs:
        remove_folder(stack.folder.parent)
