"""The progress of long work: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Advance = Callable[[], None]


class Report:
    """Writes to standard error, so that a command's own output stays clean."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, title: str, total: int | None = None) -> Iterator[Advance]:
        """Shows one piece of work; the yielded function counts one more of `total`."""
        started = time.monotonic()
        with self._bar(title, total) if self._console.is_terminal else self._lines(title, total) as advance:
            yield advance
        self.say(f"[green]✓[/green] {title} ({time.monotonic() - started:.1f} s)")

    @contextmanager
    def _bar(self, title: str, total: int | None) -> Iterator[Advance]:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=self._console, transient=True) as progress:
            task = progress.add_task(title, total=total)
            yield lambda: progress.advance(task)

    @contextmanager
    def _lines(self, title: str, total: int | None) -> Iterator[Advance]:
        self.say(f"… {title}")
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            if total and done % max(total // 5, 1) == 0:
                self.say(f"  {done} of {total}")

        yield advance
