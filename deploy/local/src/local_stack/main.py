"""The command `stack`: real servers, peers and services on this machine, from one command."""

import json
import subprocess
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import typer
from rich.console import Console
from rich.table import Table

from local_stack import apply as documents
from local_stack import dlq
from local_stack import plan as plans
from local_stack.apply import Services
from local_stack.credentials import PLATFORM, ROLES
from local_stack.demo.play import play
from local_stack.errors import StackError, told_to_people
from local_stack.stack import Stack, Status

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

app.add_typer(dlq.app, name="dlq")

_COLOURS = {"ready": "green", "not ready": "yellow", "down": "red", "fell": "red", "absent": "dim"}

Names = Annotated[list[str], typer.Argument(help="Parts by name, or `all`.")]


@app.command()
@told_to_people
def up() -> None:
    """Start everything: fetch and build what is missing, make databases and topics, migrate."""
    stack = Stack.current()
    stack.up()
    _show(stack.status())


@app.command()
@told_to_people
def down() -> None:
    """Stop everything; the data stay."""
    Stack.current().down()


@app.command()
@told_to_people
def status(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Show every part with its port, pid and health; exit code 1 unless all that exist are ready."""
    lines = Stack.current().status()
    if as_json:
        print(json.dumps([asdict(line) for line in lines]))
    else:
        _show(lines)
    if any(line.health not in ("ready", "absent") for line in lines):
        raise typer.Exit(1)


@app.command()
@told_to_people
def logs(
    parts: Annotated[list[str] | None, typer.Argument(help="Parts by name; all when none is named.")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n")] = 30,
    follow: Annotated[bool, typer.Option("--follow", "-f")] = False,
) -> None:
    """Show the end of the logs."""
    stack = Stack.current()
    files = [part.process.log for part in stack.parts if not parts or part.name in parts]
    existing = [str(file) for file in files if file.exists()]
    if not existing:
        raise StackError(f"no log of that name in {stack.folder / 'logs'}")
    following = ["--follow=name", "--retry"] if follow else []
    subprocess.run(["tail", f"--lines={lines}", *following, *existing], check=False)


@app.command()
@told_to_people
def kill(names: Names) -> None:
    """`kill -9` parts; they stay down until `stack start`."""
    Stack.current().kill(names)


@app.command()
@told_to_people
def start(names: Names) -> None:
    """Start parts that are down."""
    Stack.current().start(names)


@app.command()
@told_to_people
def reset(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Stop everything and remove all data, secrets and logs; fetched and built programs stay."""
    stack = Stack.current()
    if not yes:
        typer.confirm(f"Remove all data below {stack.folder}?", abort=True)
    stack.reset()


@app.command()
@told_to_people
def tools() -> None:
    """Fetch and build all programs, so that `up` and the tests need nothing from outside."""
    Stack.current().tools.fetch_all()


@app.command()
@told_to_people
def apply(
    place: Annotated[Path, typer.Argument(help="A YAML file, or a folder with files *.yaml.")],
    tenant: Annotated[UUID | None, typer.Option(help="A new one when none is named.")] = None,
    role: Annotated[str, typer.Option("--token-role", help="What the documents are put as.")] = "admin",
) -> None:
    """Put YAML documents `kind / code / spec` through the services' APIs; applying them again changes nothing."""
    stack, owner = Stack.current(), tenant or uuid4()
    _check_roles([role])
    wanted = documents.read(place)
    with closing(Services(stack.addresses, stack.credentials.token([role], owner, "stack"))) as services:
        put = documents.apply(wanted, services, lambda document: print(f"put {document.name}"))
    print(f"{len(put)} documents applied to tenant {owner}")


@app.command()
@told_to_people
def plan(
    place: Annotated[Path, typer.Argument(help="A YAML file, or a folder with files *.yaml.")],
    tenant: Annotated[UUID, typer.Option(help="Whose documents are compared.")],
    role: Annotated[str, typer.Option("--token-role", help="What the documents are read as.")] = "admin",
) -> None:
    """Say what `apply` would create, change or leave as it is, and which fields; nothing is changed."""
    stack = Stack.current()
    _check_roles([role])
    wanted = documents.read(place)
    with closing(Services(stack.addresses, stack.credentials.token([role], tenant, "stack"))) as services:
        planned = plans.plan(wanted, services)
    for one in planned:
        print(one.words())
    kinds = [one.change for one in planned]
    print(f"{kinds.count('create')} to create, {kinds.count('change')} to change, {kinds.count('same')} the same")


@app.command()
@told_to_people
def demo() -> None:
    """Bring the stack up and play the furniture shop's story; exit code 1 at the first thing that is not as it says."""
    play(Stack.current())


@app.command()
@told_to_people
def token(
    role: Annotated[list[str], typer.Option(help=f"May be repeated: {', '.join(ROLES)}; or {PLATFORM} alone.")],
    sub: Annotated[str, typer.Option(help="An employee's id, or a name.")],
    tenant: Annotated[UUID | None, typer.Option(help=f"Needed by every role but {PLATFORM}.")] = None,
    hours: Annotated[int, typer.Option(min=1)] = 24,
) -> None:
    """Print a bearer token for the HTTP APIs."""
    if role == [PLATFORM]:
        if tenant is not None:
            raise StackError(f"the role {PLATFORM} belongs to no tenant; leave out --tenant")
        print(Stack.current().credentials.platform_token(sub, hours * 3600))
        return
    _check_roles(role)
    if tenant is None:
        raise StackError("name the tenant that the token is for: --tenant <uuid>")
    print(Stack.current().credentials.token(role, tenant, sub, hours * 3600))


def _check_roles(roles: list[str]) -> None:
    if unknown := set(roles) - set(ROLES):
        raise StackError(f"no role {', '.join(sorted(unknown))}; there are: {', '.join(ROLES)}")


def _show(lines: list[Status]) -> None:
    table = Table("part", "port", "pid", "health", box=None, pad_edge=False)
    for line in lines:
        colour = _COLOURS[line.health]
        table.add_row(line.name, str(line.port or "-"), str(line.pid or "-"), f"[{colour}]{line.health}[/{colour}]")
    Console().print(table)
