"""`python -m <service> run | migrate | health`.

What only `run` needs is imported by `run` alone: a migration starts in a tenth of the time.
"""

import sys
from http.client import HTTPConnection, HTTPException
from importlib import import_module
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contracts.kit.settings import ServiceSettings


def run_service(package: str) -> None:
    """`run` serves `<package>.main.build_app`, `migrate` brings the schema up to date, `health` asks the one that runs
    here whether it is ready; anything else says so.

    The settings are `<package>.settings.Settings`, read from the environment; the revisions are in `migrations`.
    """
    action = sys.argv[1] if len(sys.argv) == 2 else None
    if action not in ("run", "migrate", "health"):
        raise SystemExit(f"usage: {Path(sys.argv[0]).name} run | migrate | health")
    settings = read_settings(import_module(f"{package}.settings").Settings)
    if action == "run":
        from contracts.kit.serving import serve

        serve(import_module(f"{package}.main").build_app(settings), settings)
    elif action == "migrate":
        from contracts.kit.database import migrate

        migrate(settings, Path(str(import_module(package).__file__)).parent / "migrations")
    else:
        ask_health(settings)


def ask_health(settings: ServiceSettings) -> None:
    """For container engines, which ask by a command. Ends the process with what is wrong unless it is ready."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.http_host, settings.http_host)  # noqa: S104 - compared
    connection = HTTPConnection(host, settings.internal_port, timeout=4)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace")
    except (OSError, HTTPException) as error:
        raise SystemExit(f"nobody answers at port {settings.internal_port}: {error}") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise SystemExit(said)


def read_settings[S: ServiceSettings](settings: type[S]) -> S:
    """The settings of the environment; ends the process with a line for each that will not do, without its value."""
    try:
        return settings()
    except ValidationError as error:
        issues = error.errors(include_input=False, include_url=False)
        raise SystemExit("\n".join(map(_line, issues))) from None


def _line(issue: ErrorDetails) -> str:
    name, what = ".".join(map(str, issue["loc"])).upper(), issue["msg"].removeprefix("Value error, ")
    return f"{name}: {what}" if name else what
