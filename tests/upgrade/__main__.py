"""`python -m upgrade`: a rolling update from an older commit to what is checked out, under load, then the audit."""

import os
import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from rich.markup import escape

from chaos.callers import Caller
from chaos.chaos import Chaos
from chaos.session import SESSIONS, play
from local_stack.addresses import Addresses
from local_stack.errors import StackError
from local_stack.layout import remove_folder
from local_stack.report import Report
from local_stack.stack import Stack
from support.rule_examples import EXAMPLES
from upgrade.update import RollingUpdate, UpgradeStack
from upgrade.versions import Version, check_out

PEOPLE = 8
"""Fewer than under chaos: nothing is down here that they would wait for."""


def main(
    older: Annotated[str, typer.Option(help="A commit, or what git resolves to one.")] = "HEAD^",
    effects: Annotated[int, typer.Option(min=1, help="At the least; the load lasts as long as the update.")] = 300,
    seed: Annotated[str, typer.Option(help="A new one when none is given.")] = "",
    uv: Annotated[Path, typer.Option()] = Path(".tools/bin/uv"),
) -> None:
    """Exit code 1 when anything is lost, doubled, late or out of order, or does not end that waited."""
    report, seed = Report(), seed or secrets.token_hex(4)
    folder = SESSIONS / f"{os.getpid()}/older"
    code = 1
    try:
        with report.step(f"The older version, {older}"):
            version = check_out(older, uv, folder)
        report.say(f"older {version.commit}, seed {seed}")
        code = _play(version, effects, seed, report)
    except StackError as error:
        report.say(f"[red]{escape(str(error))}[/red]")
    finally:
        remove_folder(folder)
    raise typer.Exit(code)


def _play(version: Version, effects: int, seed: str, report: Report) -> int:
    with ExitStack() as life:

        def make(folder: Path, addresses: Addresses, report: Report) -> UpgradeStack:
            made = UpgradeStack(version, folder, addresses, report)
            life.enter_context(made.fronts())
            return made

        async def run(stack: UpgradeStack) -> int:
            update, new = RollingUpdate(stack, report.say), await _unknown_types(stack)
            if new:
                report.say(f"without the workshop: the older version does not know {', '.join(new)}")
            return await Chaos(stack, report, effects, seed, update, PEOPLE, neighbour=False, workshop=not new).run()

        return play(make, run, report)


async def _unknown_types(stack: Stack) -> list[str]:
    """Rule types that this version has and the running one has not."""
    async with Caller(stack.addresses, stack.credentials.token(["viewer"], uuid4(), "owner")) as viewer:
        known = {one["type"] async for one in viewer.list("rule-engine", "/v1/rule-types")}
    return sorted(EXAMPLES.keys() - known)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(main)
    app()
