"""`stack dlq`: the dead letters of all services, looked at, replayed or discarded through the services' APIs."""

import getpass
import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Any
from uuid import UUID

import httpx
import typer

from local_stack.addresses import Addresses
from local_stack.errors import StackError, told_to_people
from local_stack.stack import Stack
from local_stack.tables import show_table

app = typer.Typer(no_args_is_help=True, help=__doc__)

type Json = dict[str, Any]

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


class Desks:
    """The platform's side of every service that runs, in the name of who uses this machine."""

    def __init__(self, addresses: Addresses, token: str, services: list[str]) -> None:
        self._addresses = addresses
        self.services = services
        self._http = httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30)

    @classmethod
    def of(cls, stack: Stack, service: str | None) -> "Desks":
        names = [part.name for part in stack.present_services if service in (None, part.name)]
        if not names:
            raise StackError(f"no service {service}; there are: {', '.join(p.name for p in stack.present_services)}")
        token = stack.credentials.platform_token(getpass.getuser(), 3600)
        return cls(stack.addresses, token, names)

    def close(self) -> None:
        self._http.close()

    def ask(self, service: str, method: str, path: str, **more: Any) -> Json:
        """The answer; raises StackError with what the service says is wrong."""
        response = self._send(service, method, path, **more)
        if response.is_success:
            found: Json = response.json()
            return found
        problem = response.json()
        places = [f"{each['where']}: {each['what']}" for each in problem.get("errors", [])]
        raise StackError(f"{service}: {'; '.join([problem['detail'], *places])}")

    def _send(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return self._http.request(method, self._addresses.url_of(service, f"/internal{path}"), **more)
        except httpx.TransportError as error:
            raise StackError(f"{service} does not answer ({error}); is the stack up? `./stack status` tells") from error

    def pages(self, path: str, params: Json) -> Iterator[tuple[str, Json]]:
        """Everything that a list has, service by service."""
        for service in self.services:
            cursor: str | None = None
            while True:
                page = self.ask(service, "GET", path, params=_given(**params, cursor=cursor, limit=200))
                yield from ((service, item) for item in page["items"])
                cursor = page["next_cursor"]
                if cursor is None:
                    break

    def owner(self, id: UUID) -> tuple[str, Json]:
        """The service that has a dead letter, and the dead letter."""
        for service in self.services:
            response = self._send(service, "GET", f"/dead-letters/{id}")
            if response.status_code != 404:
                return service, self.ask(service, "GET", f"/dead-letters/{id}")
        raise StackError(f"no service has a dead letter {id}; `./stack dlq list` shows those there are")

    def choices(self, ids: list[UUID], filter: Json) -> Iterator[tuple[str, Json]]:
        """What an order is about, service by service."""
        if not ids:
            yield from ((service, {"filter": filter}) for service in self.services)
            return
        owners = [(self.owner(id)[0], str(id)) for id in ids]
        for service in sorted({service for service, _ in owners}):
            yield service, {"ids": [id for owner, id in owners if owner == service]}


@app.command("list")
@told_to_people
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
    filter = _given(tenant=tenant, topic=topic, type=type, reason=dead, since=since, until=until)
    with closing(Desks.of(Stack.current(), service)) as desks:
        found = list(desks.pages("/dead-letters", filter | ({} if state == "any" else {"state": state})))
    if as_json:
        print(json.dumps([{"service": name, **letter} for name, letter in found]))
        return
    if not found:
        print("none")
        return
    titles = ("id", "put aside", "service", "topic", "type", "why", "replays", "state")
    show_table(titles, ([*map(_printable, _cells(name, letter))] for name, letter in found))


def _cells(service: str, it: Json) -> tuple[str, ...]:
    why = f"{it['reason']}: {it['detail']}"
    times = (it["id"], it["put_aside_at"][:19])
    return (*times, service, it["topic"], it["type"] or "-", why, str(it["replays"]), it["state"])


@app.command()
@told_to_people
def show(id: UUID) -> None:
    """Show one dead letter with its bytes, as JSON; they are personal data of its tenant."""
    with closing(Desks.of(Stack.current(), None)) as desks:
        service, letter = desks.owner(id)
    print(json.dumps({"service": service, **letter}, indent=2, ensure_ascii=False))


@app.command()
@told_to_people
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
    filter = _given(topic=topic, type=type, reason=dead, since=since, until=until)
    _check_choice(ids, every, filter | _given(tenant=tenant))
    with closing(Desks.of(Stack.current(), service)) as desks:
        orders = [
            (name, desks.ask(name, "POST", "/dead-letters/replays", params=_given(tenant=tenant), json=body))
            for name, choice in desks.choices(ids or [], filter)
            for body in [{**choice, "per_second": rate, "reason": reason}]
        ]
        for name, order in orders:
            if order["letters"]:
                _tell(name, _finished(desks, name, order["id"]))
    if not any(order["letters"] for _, order in orders):
        print("no open dead letter is like that")


@app.command()
@told_to_people
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
    """Say that dead letters shall have no effect."""
    filter = _given(topic=topic, type=type, reason=dead, since=since, until=until)
    _check_choice(ids, every, filter | _given(tenant=tenant))
    with closing(Desks.of(Stack.current(), service)) as desks:
        for name, choice in desks.choices(ids or [], filter):
            body = {**choice, "reason": reason}
            order = desks.ask(name, "POST", "/dead-letters/discards", params=_given(tenant=tenant), json=body)
            print(f"{name}: {order['letters']} discarded (order {order['id']})")


@app.command()
@told_to_people
def orders(service: ServiceName = None) -> None:
    """List who ordered what, when and why."""
    titles = ("id", "ordered", "by", "service", "action", "letters", "of", "reason")
    with closing(Desks.of(Stack.current(), service)) as desks:
        rows = [
            (
                *(it["id"], it["ordered_at"][:19], it["ordered_by"], name, it["action"], str(it["letters"])),
                *(json.dumps(it["selection"]), it["reason"]),
            )
            for name, it in desks.pages("/dead-letter-orders", {})
        ]
    show_table(titles, ([*map(_printable, row)] for row in rows))


@app.command()
@told_to_people
def parked(service: ServiceName = None) -> None:
    """List outbox rows that the broker refused for ever; each holds up the messages of its key."""
    with closing(Desks.of(Stack.current(), service)) as desks:
        rows = [
            (str(it["id"]), name, it["topic"], it["key"], str(it["size"]), it["reason"], str(it["behind"]))
            for name, it in desks.pages("/parked-outbox-rows", {})
        ]
    titles = ("row", "service", "topic", "key", "bytes", "why", "behind it")
    show_table(titles, ([*map(_printable, row)] for row in rows), whole=("row",))


@app.command()
@told_to_people
def release(
    row: Annotated[int, typer.Argument(help="As `./stack dlq parked` shows it.")],
    service: Annotated[str, typer.Option("--service")],
    reason: Reason,
) -> None:
    """Let a parked outbox row be published after all, once the broker would take it."""
    with closing(Desks.of(Stack.current(), service)) as desks:
        desks.ask(service, "POST", f"/parked-outbox-rows/{row}/release", json={"reason": reason})
    print(f"{service}: row {row} is published next")


def _given(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def _printable(text: str) -> str:
    """Anybody may have written it: no terminal shall act on it."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _check_choice(ids: list[UUID] | None, every: bool, filter: Json) -> None:
    if bool(ids) == (every or bool(filter)):
        raise StackError("give either ids, or filters, or --all")


def _finished(desks: Desks, service: str, id: str) -> Json:
    """Waits as long as the rate makes it take; the replay goes on by itself when this is interrupted."""
    while True:
        order = desks.ask(service, "GET", f"/dead-letter-orders/{id}")
        if order["finished_at"]:
            return order
        time.sleep(0.2)


def _tell(service: str, order: Json) -> None:
    became = ", ".join(f"{count} {state}" for state, count in sorted(order["states"].items()))
    print(f"{service}: {became} (order {order['id']})")
