"""What is measured, as rows of one table: the raw floor, ours, their ratio, the target, and whether it is met."""

import json
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. No `floor`: nothing raw to compare with. `met` null: published without a target."""

    name: str
    floor: float | None
    ours: float
    target: str
    unit: str
    met: bool | None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.floor if self.floor else None

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "floor": _rounded(self.floor),
            "ours": _rounded(self.ours),
            "ratio": _rounded(self.ratio),
            "target": self.target,
            "unit": self.unit,
            "met": self.met,
        }


def at_most_times(factor: float, name: str, floor: float, ours: float, unit: str) -> Row:
    """Lower is better: ours may be so many times the floor."""
    return Row(name, floor, ours, f"≤ {factor:g} times floor", unit, ours <= factor * floor)


def at_most_more(more: float, name: str, floor: float, ours: float, unit: str) -> Row:
    """Lower is better: ours may be so much over the floor."""
    return Row(name, floor, ours, f"≤ floor + {more:g} {unit}", unit, ours <= floor + more)


def at_least_share(share: float, name: str, floor: float, ours: float, unit: str) -> Row:
    """Higher is better: ours must be such a share of the floor."""
    return Row(name, floor, ours, f"≥ {share:.0%} of floor", unit, ours >= share * floor)


def at_most(limit: float, name: str, ours: float, unit: str, floor: float | None = None) -> Row:
    """Lower is better, whatever the floor."""
    return Row(name, floor, ours, f"≤ {limit:g} {unit}", unit, ours <= limit)


def published(name: str, ours: float, unit: str, floor: float | None = None) -> Row:
    """A figure without a target."""
    return Row(name, floor, ours, "published", unit, None)


def p50(values: Sequence[float]) -> float:
    return median(values)


def p99(values: Sequence[float]) -> float:
    """The smallest value that 99 % do not exceed."""
    return sorted(values)[math.ceil(len(values) * 0.99) - 1]


type Round = Callable[[], Awaitable[float]]


async def in_turns(rounds: int, floor: Round, ours: Round, done: Callable[[], None]) -> tuple[float, float]:
    """Measures both in turns, the first one changing, so that what disturbs the machine disturbs both; medians."""
    found: dict[Round, list[float]] = {floor: [], ours: []}
    for number in range(rounds):
        for measure in (floor, ours) if number % 2 == 0 else (ours, floor):
            found[measure].append(await measure())
        done()
    return median(found[floor]), median(found[ours])


def show(rows: Sequence[Row]) -> None:
    """The table for people."""
    table = Table("path", "floor", "ours", "ratio", "unit", "target", "met")
    for row in rows:
        met = "" if row.met is None else "[green]yes[/green]" if row.met else "[red]no[/red]"
        table.add_row(row.name, _shown(row.floor), _shown(row.ours), _shown(row.ratio), row.unit, row.target, met)
    Console(width=None if Console().is_terminal else 160).print(table)


def write(rows: Sequence[Row], file: Path) -> None:
    """The same for programs: a list of objects."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([row.as_json() for row in rows], indent=2, ensure_ascii=False) + "\n")


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
