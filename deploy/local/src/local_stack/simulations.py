"""`stack simulate`: a request of `POST /v1/simulations` as YAML, and what was found, for people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from local_stack.apply import ApplyError, Services, parsed, problems
from local_stack.apply import read as read_documents
from local_stack.tables import show_table

type Json = Mapping[str, Any]

LONGEST_S = 1_000.0
_CHOICES = {"rule-set": "rule_sets", "workflow": "workflows"}
_OF_VERSIONS = {"publish", "archived"}
_ENDS = ("done", "skipped", "refused", "failed", "cancelled")


def read(file: Path, written: Path | None) -> dict[str, Any]:
    """The request; rule sets and workflows of the documents in `written` come to those that it chooses.

    Raises `ApplyError`.
    """
    contents = parsed(file)
    if len(contents) != 1 or not isinstance(contents[0], dict):
        raise ApplyError([f"{file}: expected one mapping: what `POST /v1/simulations` takes"])
    asked = dict(contents[0])
    for document in read_documents(written) if written else ():
        if document.kind in _CHOICES:
            spec = {key: value for key, value in document.spec.items() if key not in _OF_VERSIONS}
            choices = asked.setdefault(_CHOICES[document.kind], [])
            known = next((one for one in choices if one.get("code") == document.code), None)
            if known is None:
                choices.append({"code": document.code, "document": spec})
            else:
                known["document"] = spec
    return asked


def simulate(services: Services, file: Path, asked: Json) -> dict[str, Any]:
    """What was found. Raises `ApplyError` with what is wrong with the request, and `StackError`."""
    answer = services.post("rule-engine", "/v1/simulations", asked, LONGEST_S)
    if not answer.is_success:
        raise ApplyError([f"{file}: {issue}" for issue in problems(answer)])
    found: dict[str, Any] = answer.json()
    return found


def show(found: Json) -> None:
    """Prints it: totals, days, rules, what is noteworthy, and what happened to single items."""
    print(_headline(found))
    _table("Days", ("date", "entered", *_ENDS, "messages"), map(_day, found["days"]))
    _table("Rules", ("rule", *_ENDS, "commands", "first", "last", "mostly because"), map(_rule, found["rules"]))
    for title, lines in (
        ("Collisions", map(_collision, found["collisions"])),
        ("Circles", map(_circle, found["circles"])),
        ("Limits", (f"{one['what']}: {one['times']} times" for one in found["limits"])),
        ("Clients with many messages", map(_many, found["many_messages"])),
        ("Not shown", found["cut"]),
    ):
        _lines(title, list(lines))
    for trace in found["traces"]:
        end = f"{trace['pipeline']}/{trace['stage']}"
        _lines(f"{trace['title']} ({trace['item_id']}), at the end in {end}", list(_of(trace)))


def _headline(found: Json) -> str:
    totals = found["totals"]
    counted = ", ".join(f"{totals[name]} {name}" for name in ("items", "runs", "decisions", "commands", "messages"))
    return f"{_moment(found['from'])} to {_moment(found['until'])}: {counted}; {totals['open_at_end']} runs still wait"


def _table(title: str, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    kept = list(rows)
    if kept:
        print(f"\n{title}")
        show_table(titles, kept)


def _lines(title: str, lines: Sequence[str]) -> None:
    if lines:
        print(f"\n{title}")
        for line in lines:
            print(f"  {line}")


def _day(one: Json) -> Sequence[str]:
    return [one["date"], str(one["entered"]), *(str(one[end]) for end in _ENDS), str(one["messages"])]


def _rule(one: Json) -> Sequence[str]:
    reasons = "; ".join(f"{each['reason']} ({each['times']})" for each in one["reasons"][:2])
    counts = [str(one[name]) for name in (*_ENDS, "commands")]
    name = "/".join(part for part in (one["of"], one["stage"], one["rule"]) if part)
    return [name, *counts, _moment(one["first_at"]), _moment(one["last_at"]), reasons]


def _collision(one: Json) -> str:
    first, second = one["values"]
    return (
        f"{one['field']}: {one['first']} wants {first!r}, {one['second']} wants {second!r}, {one['times']} times, first"
        f" of item {one['item_id']} at {_moment(one['at'])}"
    )


def _circle(one: Json) -> str:
    return f"{one['reason']}: {one['times']} times, first of item {one['item_id']} at {_moment(one['at'])}"


def _many(one: Json) -> str:
    return f"{one['date']}: {one['messages']} to {one['to']} by {', '.join(one['rules'])}"


def _of(trace: Json) -> Iterator[str]:
    for line in trace["lines"]:
        said = [line["what"], "/".join(part for part in (line["of"], line["name"]) if part), line["state"]]
        due = f"due {_moment(line['due_at'])}" if line["due_at"] and line["due_at"] > line["at"] else ""
        details = ", ".join(f"{name}: {value}" for name, value in (line["details"] or {}).items())
        yield "  ".join(part for part in (_moment(line["at"]), *said, due, line["reason"] or "", details) if part)


def _moment(text: str | None) -> str:
    """To the second, in UTC, as the service answers."""
    return "" if text is None else datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")
