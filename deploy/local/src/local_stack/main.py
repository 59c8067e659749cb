"""The command `stack`: real servers, peers and services on this machine, from one command."""

import getpass
import json
import subprocess
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.text import Text

from contracts.service_calls import called_by, scopes
from local_stack import apply as documents
from local_stack import diagnoses, dlq, outcome, replays, simulations
from local_stack import plan as plans
from local_stack.addresses import SERVICES
from local_stack.apply import Document, Services
from local_stack.credentials import PLATFORM, ROLES
from local_stack.demo.play import STORIES, play
from local_stack.demo.story import Story
from local_stack.errors import StackError, reporting_errors
from local_stack.observability import links
from local_stack.stack import Stack, Status
from local_stack.tables import show_table
from local_stack.tenant import chosen_tenant

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

app.add_typer(dlq.app, name="dlq")

_SERVICE = "service"
"""Instead of a role: the token of a service for another one."""
_COLOURS = {"ready": "green", "not ready": "yellow", "down": "red", "fell": "red", "absent": "dim"}

Names = Annotated[list[str], typer.Argument(help="Parts by name, or `all`.")]
DocumentsPlace = Annotated[Path, typer.Argument(help="A YAML file, or a folder with files *.yaml.")]
TenantName = Annotated[str | None, typer.Option("--tenant", help="A UUID, or `new`; by default the one named last.")]
TokenRole = Annotated[str, typer.Option("--token-role", help="What the documents are put or read as.")]


@app.command()
@reporting_errors
def up(
    observability: Annotated[
        bool, typer.Option("--observability", help="Prometheus, Alertmanager and Zipkin, too, until `down`.")
    ] = False,
) -> None:
    """Start everything: fetch and build what is missing, make databases and topics, migrate."""
    stack = Stack.current()
    stack.up(observability)
    _show(stack.status())
    if stack.observed:
        show_table(("to look at", "where"), links(stack.addresses))


@app.command()
@reporting_errors
def down() -> None:
    """Stop everything; the data stay."""
    Stack.current().down()


@app.command()
@reporting_errors
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
@reporting_errors
def logs(
    parts: Annotated[list[str] | None, typer.Argument(help="Parts by name; all when none is named.")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n")] = 30,
    follow: Annotated[bool, typer.Option("--follow", "-f")] = False,
) -> None:
    """Show the end of the logs."""
    stack = Stack.current()
    running = (*stack.parts, *stack.present_monitors)
    files = [part.process.log for part in running if not parts or part.name in parts]
    existing = [str(file) for file in files if file.exists()]
    if not existing:
        raise StackError(f"no log of that name in {stack.folder / 'logs'}")
    following = ["--follow=name", "--retry"] if follow else []
    subprocess.run(["tail", f"--lines={lines}", *following, *existing], check=False)


@app.command()
@reporting_errors
def kill(names: Names) -> None:
    """`kill -9` parts; they stay down until `start`."""
    Stack.current().kill(names)


@app.command()
@reporting_errors
def start(names: Names) -> None:
    """Start parts that are down."""
    Stack.current().start(names)


@app.command()
@reporting_errors
def reset(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Stop everything and remove all data, secrets and logs; fetched programs stay."""
    stack = Stack.current()
    if not yes:
        typer.confirm(f"Remove all data below {stack.folder}?", abort=True)
    stack.reset()


@app.command()
@reporting_errors
def tools() -> None:
    """Fetch all programs, so that `up` and the tests need nothing from outside, and make their starts short."""
    stack = Stack.current()
    found = stack.tools
    found.fetch()
    stack.kafka.teach_java()
    for optional in (found.browser, found.promtool):
        try:
            optional()
        except StackError as error:
            found.report.say(f"[red]{error}[/red]; without it its tests fail")


@app.command()
@reporting_errors
def apply(place: DocumentsPlace, tenant: TenantName = None, role: TokenRole = "admin") -> None:
    """Put YAML documents `kind / code / spec` through the services' APIs; applying them again changes nothing.

    Exit code 1 when a document is refused, or saved as a draft that could not be published.
    """
    stack = Stack.current()
    owner, wanted = chosen_tenant(stack.folder, tenant), documents.read(place)
    invalid = list[str]()
    with closing(_services(stack, owner, role)) as services:
        planned = {one.document.name: one for one in plans.plan(wanted, services)}

        def done(document: Document, answer: dict[str, Any]) -> None:
            print(outcome.state(planned[document.name], answer))
            issues = outcome.issues(document, answer)
            for line in [*(f"  issue: {one}" for one in issues), *map(_warning, outcome.warnings(document, answer))]:
                print(line)
            invalid.extend([document.name] if issues else [])

        put = documents.apply(wanted, services, done)
    print(f"{len(put)} documents applied to tenant {owner}")
    if invalid:
        raise StackError(f"{', '.join(invalid)}: saved as a draft that cannot be published; see its issues above")


def _warning(line: str) -> str:
    return f"  warning: {line}"


@app.command()
@reporting_errors
def plan(place: DocumentsPlace, tenant: TenantName = None, role: TokenRole = "admin") -> None:
    """Say what `apply` would create, change or leave as it is, and which fields; nothing is changed."""
    stack = Stack.current()
    owner, wanted = chosen_tenant(stack.folder, tenant), documents.read(place)
    with closing(_services(stack, owner, role)) as services:
        planned = plans.plan(wanted, services)
    for one in planned:
        print(one.words())
    kinds = [one.change for one in planned]
    print(
        f"{kinds.count('create')} to create, {kinds.count('change')} to change, {kinds.count('same')} the same"
        f" for tenant {owner}"
    )


@app.command()
@reporting_errors
def simulate(
    file: Annotated[Path, typer.Argument(help="A YAML file: the body of `POST /v1/simulations`.")],
    written: Annotated[
        Path | None, typer.Option("--with", help="Documents of `apply`: their rule sets and workflows, as written.")
    ] = None,
    tenant: TenantName = None,
    role: TokenRole = "author",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what rules and workflows would do, when and with which texts, in virtual time; nothing is sent or changed."""
    stack = Stack.current()
    owner, asked = chosen_tenant(stack.folder, tenant), simulations.read(file, written)
    with closing(_services(stack, owner, role)) as services:
        found = simulations.simulate(services, file, asked)
    if as_json:
        print(json.dumps(found))
    else:
        simulations.show(found)


@app.command()
@reporting_errors
def replay(  # noqa: PLR0913 - the parts of a request
    code: Annotated[str, typer.Argument(help="A rule set, or a workflow with --workflow.")],
    version: Annotated[str, typer.Option(help="`draft`, `newest`, or a number.")] = "draft",
    days: Annotated[int, typer.Option(help="Decisions of so many days.")] = 7,
    examples: Annotated[int, typer.Option(help="Items named for each difference.")] = 3,
    workflow: Annotated[bool, typer.Option("--workflow")] = False,
    tenant: TenantName = None,
    role: TokenRole = "author",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what a version would have decided otherwise in the last days, rule by rule; nothing is sent or changed."""
    stack = Stack.current()
    owner = chosen_tenant(stack.folder, tenant)
    asked = {"version": int(version) if version.isdecimal() else version, "days": days, "examples": examples}
    with closing(_services(stack, owner, role)) as services:
        found = replays.replay(services, ("workflows" if workflow else "rule-sets", code), asked)
    if as_json:
        print(json.dumps(found))
    else:
        replays.show(found)


@app.command("why")
@reporting_errors
def diagnose(
    id: Annotated[UUID, typer.Argument(help="A run, or an item: then all that still goes on for it.")],
    tenant: TenantName = None,
    role: TokenRole = "viewer",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what a run waits for, the most urgent first, since when, and what to try next."""
    stack = Stack.current()
    owner = chosen_tenant(stack.folder, tenant)
    with closing(_services(stack, owner, role)) as services:
        runs = diagnoses.of(services, id)
    if as_json:
        print(json.dumps(runs))
    else:
        diagnoses.show(runs)


def _services(stack: Stack, tenant: UUID, role: str) -> Services:
    _check_roles([role])
    return Services(stack.addresses, stack.credentials, tenant, role)


@app.command()
@reporting_errors
def demo(
    story: Annotated[str, typer.Argument(help=f"One of {', '.join(STORIES)}.")] = Story.example,
) -> None:
    """Bring the stack up and play a story; exit code 1 at the first thing that is not as it says."""
    play(Stack.current(), story)


@app.command()
@reporting_errors
def token(
    role: Annotated[
        list[str], typer.Option(help=f"May be repeated: {', '.join(ROLES)}; or one of {PLATFORM}, {_SERVICE} alone.")
    ],
    tenant: TenantName = None,
    sub: Annotated[
        str | None, typer.Option(help="An employee's id, or a name, by default yours; or a service's name.")
    ] = None,
    called: Annotated[str | None, typer.Option("--for", help="A service's token: the service that it asks.")] = None,
    hours: Annotated[int, typer.Option(min=1)] = 24,
) -> None:
    """Print a bearer token for the HTTP APIs: a person's of one tenant, the platform's, or a service's."""
    stack, seconds, who = Stack.current(), hours * 3600, sub or getpass.getuser()
    if role in ([PLATFORM], [_SERVICE]) and tenant is not None:
        raise StackError(f"the role {role[0]} belongs to no tenant; leave out --tenant")
    if role == [PLATFORM]:
        print(stack.credentials.platform_token(who, seconds))
    elif role == [_SERVICE]:
        print(stack.credentials.service_token(*_call(sub, called), seconds))
    else:
        _check_roles(role)
        print(stack.credentials.token(role, chosen_tenant(stack.folder, tenant), who, seconds))


def _call(caller: str | None, called: str | None) -> tuple[str, str]:
    """Who asks whom."""
    callers = [service for service in SERVICES if any(called_by(service))]
    if caller not in callers:
        raise StackError(f"--sub: which service calls? one of {', '.join(callers)}")
    if called is None or not scopes(caller, called):
        raise StackError(f"--for: whom does {caller} ask? one of {', '.join(called_by(caller))}")
    return caller, called


def _check_roles(roles: list[str]) -> None:
    if unknown := set(roles) - set(ROLES):
        raise StackError(f"no role {', '.join(sorted(unknown))} here; there are: {', '.join(ROLES)}")


def _show(lines: list[Status]) -> None:
    rows = (
        (line.name, str(line.port or "-"), str(line.pid or "-"), Text(line.health, _COLOURS[line.health]))
        for line in lines
    )
    show_table(("part", "port", "pid", "health"), rows)
