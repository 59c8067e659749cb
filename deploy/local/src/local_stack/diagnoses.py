"""`stack why`: what a run, or all runs of an item, wait for, and what to try next."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from local_stack.apply import Services, problems
from local_stack.errors import StackError
from local_stack.tables import show_table

type Json = Mapping[str, Any]

_TITLES = ("since", "what", "rule or block", "next")


def of(services: Services, id: UUID) -> list[dict[str, Any]]:
    """The diagnosis of a run, or those of an item. Raises `StackError`."""
    answer = services.read("rule-engine", f"/v1/runs/{id}/diagnosis")
    if answer.is_success:
        return [answer.json()]
    if answer.status_code == 404:
        answer = services.read("rule-engine", f"/v1/automation/items/{id}/diagnosis")
        if answer.is_success:
            return list(answer.json()["runs"])
    if answer.status_code == 404:
        raise StackError(f"{id} is no run, and no item that automation has heard of")
    raise StackError("; ".join(problems(answer)))


def show(runs: Sequence[Json]) -> None:
    """Prints them, those that need somebody first."""
    if not runs:
        print("it waits for nothing: every run of the item is finished")
    for number, run in enumerate(runs):
        if number:
            print()
        print(_headline(run))
        if run["findings"]:
            show_table(_TITLES, [_cells(one) for one in run["findings"]], whole=("since",))


def _headline(run: Json) -> str:
    of = f"workflow {run['rule_set']}" if run["workflow"] else f"stage {run['stage']} of {run['rule_set']}"
    state = "is finished" if run["finished"] else "waits"
    return f"run {run['run_id']} ({of}, version {run['version']}) {state}"


def _cells(one: Json) -> Sequence[str]:
    return [_moment(one["since"]), one["what"], one["name"] or "the run", one["remedy"]]


def _moment(text: str | None) -> str:
    """To the second, in UTC, as the service answers."""
    return "" if text is None else datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")
