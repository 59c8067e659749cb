"""A whole stack of a test's own: other ports, another folder, gone afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.addresses import OFFSETS, Addresses
from local_stack.layout import remove_folder
from local_stack.report import Report
from local_stack.stack import Stack
from local_stack.testing import free_port_base


@contextmanager
def own_stack(folder: Path, kind: Callable[[Path, Addresses, Report], Stack] = Stack) -> Iterator[Stack]:
    """Nothing of it is started yet."""
    stack = kind(folder, Addresses(free_port_base(OFFSETS.values())), Report())
    try:
        yield stack
    finally:
        stack.kill(["all", *(part.name for part in stack.present_monitors)])
        for part in (*stack.parts, *stack.monitors):
            remove_folder(part.home)
