"""`python -m chaos`: brings a stack of its own up, lets chaos loose on it, audits what is left, writes the figures."""

import secrets
from functools import partial
from typing import Annotated

import typer

from chaos.chaos import Chaos
from chaos.driver import AT_ONCE
from chaos.faults import Faults
from chaos.session import play
from local_stack.report import Report
from local_stack.stack import Stack


def main(
    effects: Annotated[int, typer.Option(min=1)] = 1000,
    seed: Annotated[str, typer.Option(help="A new one when none is given.")] = "",
    every: Annotated[float, typer.Option(min=0.5, help="Mean seconds from one fault to the next.")] = 4.0,
    neighbour: Annotated[bool, typer.Option(help="Whether a hostile tenant lives beside the audited ones.")] = True,
    workshop: Annotated[bool, typer.Option(help="Whether a third audited tenant acts by every rule type.")] = True,
    secured: Annotated[bool, typer.Option(help="Kafka with TLS, passwords and access lists for the services.")] = False,
) -> None:
    """Load on all services under random faults, then the audit. Exit code 1 when anything is lost, doubled, late or out
    of order."""
    report, seed = Report(), seed or secrets.token_hex(4)
    report.say(f"seed {seed}")

    async def run(stack: Stack) -> int:
        faults = Faults(stack, seed, every, report.say)
        return await Chaos(stack, report, effects, seed, faults, AT_ONCE, neighbour, workshop).run()

    raise typer.Exit(play(partial(Stack, secured=secured), run, report))


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(main)
    app()
