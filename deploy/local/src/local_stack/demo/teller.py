"""Tells the story while it happens: in colours on a terminal, as plain lines elsewhere."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

_COLOURS = {"done": "green", "waiting": "yellow", "running": "yellow", "cancelled": "dim"}
_PLAIN_WIDTH = 200


class Teller:
    """Prints lines with the seconds since the story began."""

    def __init__(self) -> None:
        self._console = _console()
        self._began = time.monotonic()

    def step(self, number: int, title: str) -> None:
        """What follows belongs to this step."""
        self._print(f"\n[bold]{number}  {escape(title)}[/bold]")

    def held(self, what: str) -> None:
        """A check that held."""
        self._print(f"{self._clock()}  [green]✓[/green] {escape(what)}")

    def say(self, text: str) -> None:
        """What happens, without a check."""
        self._print(f"{self._clock()}  · {escape(text)}")

    def plain(self, text: str = "") -> None:
        """A line as it is."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def automation(self, view: Mapping[str, Any]) -> None:
        """The rules of every stage, as a table."""
        table = Table("stage", "entered", "rule", "state", "due", "why", box=None, pad_edge=False)
        for stage in view["stages"]:
            for entry in stage["entries"]:
                for rule in entry["rules"]:
                    table.add_row(*_row(stage["stage"], _when(entry["entered_at"])[11:], rule))
            for rule in stage["rules"]:
                table.add_row(*_row(stage["stage"], "-", rule))
        self._console.print(table)

    def trace(self, trace: Mapping[str, Any]) -> None:
        """The spans of a trace, below those that caused them."""
        began = min(span["started_ns"] for span in trace["roots"])
        tree = Tree(f"trace {trace['trace_id']}: {trace['spans']} spans")
        _grow(tree, trace["roots"], began)
        self._console.print(tree)

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def _clock(self) -> str:
        return f"{time.monotonic() - self._began:6.1f} s"


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)


def _row(stage: str, entered: str, rule: Mapping[str, Any]) -> tuple[str, ...]:
    state = rule["state"] or "-"
    colour = _COLOURS.get(state, "red" if rule["state"] else "dim")
    shown = f"[{colour}]{state}[/{colour}]"
    return stage, entered, escape(rule["title"] or rule["name"]), shown, _when(rule["due_at"]), rule["reason"] or ""


def _when(moment: str | None) -> str:
    """To the second, in UTC."""
    return moment[:19].replace("T", " ") if moment else "-"


def _grow(tree: Tree, spans: Sequence[Mapping[str, Any]], began: int) -> None:
    for span in sorted(spans, key=lambda each: each["started_ns"]):
        after = (span["started_ns"] - began) / 1e6
        text = (
            f"{span['service']}  {escape(span['name'])}  [dim]+{after:.0f} ms, took {span['duration_ms']:.0f} ms[/dim]"
        )
        _grow(tree.add(text), span["children"], began)
