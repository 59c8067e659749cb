"""The stack's root exception, and how commands show it to people."""

from collections.abc import Callable
from functools import wraps

import typer
from rich.console import Console


class StackError(Exception):
    """What went wrong with the local stack, where, and what to do; its text is shown to a person as it is."""


def reporting_errors[**P](command: Callable[P, None]) -> Callable[P, None]:
    """Shows a StackError as its text on standard error, with exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except StackError as error:
            Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(1) from error

    return run
