"""Tables of the commands: nothing in them is cut, since people copy from them."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE = 100_000
"""Where no terminal sets a width, a row is a line."""


def show_table(titles: Sequence[str], rows: Iterable[Sequence[str | Text]], *, whole: Sequence[str] = ("id",)) -> None:
    """Prints rows below titles; a terminal breaks long cells into lines, but not those of the columns `whole`."""
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=title in whole)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    console = Console()
    console.width = console.width if console.is_terminal else _WIDE
    console.print(table)
