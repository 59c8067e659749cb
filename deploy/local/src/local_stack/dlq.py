"""`stack dlq`: the dead letters of all services, looked at, replayed or discarded through the services' APIs."""

import json
import time
from contextlib import closing
from typing import Annotated
from uuid import UUID

import typer

from local_stack.dead_letter_client import DeadLetterClient, Json, given
from local_stack.errors import StackError, reporting_errors
from local_stack.stack import Stack
from local_stack.tables import show_table

app = typer.Typer(no_args_is_help=True, help=__doc__)

Ids = Annotated[list[UUID] | None, typer.Argument(help="Dead letters by id; else give filters, or --all.")]
Every = Annotated[bool, typer.Option("--all", help="All that are open.")]
ServiceName = Annotated[str | None, typer.Option("--service", help="One service's alone.")]
Tenant = Annotated[str | None, typer.Option(help="One tenant's alone, or those of `none`.")]
Topic = Annotated[str | None, typer.Option()]
Type = Annotated[str | None, typer.Option(help="Of the message, such as crm.item.move.v1.")]
Dead = Annotated[str | None, typer.Option("--dead", help="Why it was put aside: failed, invalid, undecodable, …")]
Since = Annotated[str | None, typer.Option(help="Put aside at this time or later: 2026-01-31T12:00:00Z.")]
Until = Annotated[str | None, typer.Option(help="Put aside before this time.")]
Reason = Annotated[str, typer.Option(help="For the audit.")]


@app.command("list")
@reporting_errors
def list_(  # noqa: PLR0913 - the filters of a list
    service: ServiceName = None,
    tenant: Tenant = None,
    topic: Topic = None,
    type: Type = None,
    dead: Dead = None,
    since: Since = None,
    until: Until = None,
    state: Annotated[
        str, typer.Option(help="open, replaying, handled, passed_over, dead_again, discarded, any.")
    ] = "open",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List dead letters, the newest first."""
    filter = given(tenant=tenant, topic=topic, type=type, reason=dead, since=since, until=until)
    with closing(DeadLetterClient.of(Stack.current(), service)) as client:
        found = list(client.pages("/dead-letters", filter | ({} if state == "any" else {"state": state})))
    if as_json:
        print(json.dumps([{"service": name, **letter} for name, letter in found]))
    elif found:
        titles = ("id", "put aside", "service", "topic", "type", "why", "replays", "state")
        show_table(titles, ([*map(_printable, _cells(name, letter))] for name, letter in found))
    else:
        print("none")
    client.complain()


def _cells(service: str, it: Json) -> tuple[str, ...]:
    why = f"{it['reason']}: {it['detail']}"
    times = (it["id"], it["put_aside_at"][:19])
    return (*times, service, it["topic"], it["type"] or "-", why, str(it["replays"]), it["state"])


@app.command()
@reporting_errors
def show(id: UUID) -> None:
    """Show one dead letter with its bytes, as JSON; they are personal data of its tenant."""
    with closing(DeadLetterClient.of(Stack.current(), None)) as client:
        service, letter = client.owner(id)
    print(json.dumps({"service": service, **letter}, indent=2, ensure_ascii=False))


@app.command()
@reporting_errors
def replay(  # noqa: PLR0913 - the filters of a list
    ids: Ids = None,
    every: Every = False,
    service: ServiceName = None,
    tenant: Tenant = None,
    topic: Topic = None,
    type: Type = None,
    dead: Dead = None,
    since: Since = None,
    until: Until = None,
    rate: Annotated[float, typer.Option(help="At the most so many a second.")] = 10,
    reason: Reason = "",
) -> None:
    """Hand dead letters once more to the service that put them aside, and wait until it is done with them."""
    filter = given(tenant=tenant, topic=topic, type=type, reason=dead, since=since, until=until)
    _check_choice(ids, every, filter)
    with closing(DeadLetterClient.of(Stack.current(), service)) as client:
        replays = [
            (name, client.request(name, "POST", "/dead-letters/replays", json=body))
            for name, choice in client.choices(ids or [], filter)
            for body in [{**choice, "per_second": rate, "reason": reason}]
        ]
        for name, action in replays:
            if action["letters"]:
                _show_outcome(name, _finished(client, name, action["id"]))
    if not any(action["letters"] for _, action in replays):
        print("no open dead letter matches")


@app.command()
@reporting_errors
def discard(  # noqa: PLR0913 - the filters of a list
    reason: Reason,
    ids: Ids = None,
    every: Every = False,
    service: ServiceName = None,
    tenant: Tenant = None,
    topic: Topic = None,
    type: Type = None,
    dead: Dead = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Settle dead letters without an effect."""
    filter = given(tenant=tenant, topic=topic, type=type, reason=dead, since=since, until=until)
    _check_choice(ids, every, filter)
    with closing(DeadLetterClient.of(Stack.current(), service)) as client:
        for name, choice in client.choices(ids or [], filter):
            action = client.request(name, "POST", "/dead-letters/discards", json={**choice, "reason": reason})
            print(f"{name}: {action['letters']} discarded (action {action['id']})")


@app.command()
@reporting_errors
def actions(service: ServiceName = None) -> None:
    """List who replayed, discarded or released what, when and why."""
    titles = ("id", "at", "operator", "service", "action", "letters", "of", "reason")
    with closing(DeadLetterClient.of(Stack.current(), service)) as client:
        rows = [
            (
                *(it["id"], it["started_at"][:19], it["operator"], name, it["kind"], str(it["letters"])),
                *(json.dumps(it["selection"]), it["reason"]),
            )
            for name, it in client.pages("/dead-letter-actions", {})
        ]
    show_table(titles, ([*map(_printable, row)] for row in rows))
    client.complain()


@app.command()
@reporting_errors
def parked(service: ServiceName = None) -> None:
    """List outbox rows that the broker refused for ever; each holds up the messages of its key."""
    with closing(DeadLetterClient.of(Stack.current(), service)) as client:
        rows = [
            (str(it["id"]), name, it["topic"], it["key"], str(it["size"]), it["reason"], str(it["behind"]))
            for name, it in client.pages("/parked-outbox-rows", {})
        ]
    titles = ("row", "service", "topic", "key", "bytes", "why", "behind it")
    show_table(titles, ([*map(_printable, row)] for row in rows), whole=("row",))
    client.complain()


@app.command()
@reporting_errors
def release(
    row: Annotated[int, typer.Argument(help="As `./stack dlq parked` shows it.")],
    service: Annotated[str, typer.Option("--service")],
    reason: Reason,
) -> None:
    """Let a parked outbox row be published after all, once the broker would take it."""
    with closing(DeadLetterClient.of(Stack.current(), service)) as client:
        client.request(service, "POST", f"/parked-outbox-rows/{row}/release", json={"reason": reason})
    print(f"{service}: row {row} is published next")


def _printable(text: str) -> str:
    """Anybody may have written it: no terminal shall act on it."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _check_choice(ids: list[UUID] | None, every: bool, filter: Json) -> None:
    if bool(ids) == (every or bool(filter)):
        raise StackError("give either ids, or filters, or --all")


def _finished(client: DeadLetterClient, service: str, id: str) -> Json:
    """Waits as long as the rate makes it take; the replay goes on by itself when this is interrupted."""
    while True:
        action = client.request(service, "GET", f"/dead-letter-actions/{id}")
        if action["finished_at"]:
            return action
        time.sleep(0.2)


def _show_outcome(service: str, action: Json) -> None:
    states = ", ".join(f"{count} {state}" for state, count in sorted(action["states"].items()))
    print(f"{service}: {states} (action {action['id']})")
