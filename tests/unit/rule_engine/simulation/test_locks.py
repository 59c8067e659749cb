"""Workflows that lock a simulated item."""

from datetime import timedelta
from typing import Any

from rule_engine.domain.simulation.findings import Findings
from support.shop import NOON
from support.simulated import commands, lines, simulated, workflow, world


def say(name: str) -> dict[str, Any]:
    return {"block": "action", "name": name, "type": "send_sms", "params": {"text": name}}


def pause(name: str, **time: int) -> dict[str, Any]:
    return {"block": "pause", "name": name, "run": {"when": "after", **time}}


def locking(name: str, *inside: dict[str, Any], **options: Any) -> dict[str, Any]:
    branches = [
        {"name": "locked", "blocks": list(inside)},
        {"name": "timed_out", "blocks": [say(f"{name}_late")]},
    ]
    return {"block": "lock_item", "name": name, "branches": branches, **options}


def both(*second: dict[str, Any]) -> Findings:
    """One workflow locks the item for a day; another one does something an hour later."""
    first = workflow("first", locking("one", pause("day", days=1), say("first")), started={})
    return simulated(world(None, first, workflow("second", pause("hour", hours=1), *second, started={})))


def sent(found: Findings) -> list[tuple[str, timedelta]]:
    return [(name, at - NOON) for name, at in commands(found) if name not in ("one", "two")]


def test_a_locked_item_refuses_what_others_change() -> None:
    change = {
        "block": "action",
        "name": "change",
        "type": "update_item",
        "params": {"fields": [{"field": "title", "value": "Elm"}]},
    }
    found = both(change)
    (ended,) = [one for one in lines(found, "rule") if one.name == "change" and one.state == "refused"]
    assert "locked by another workflow" in str(ended.reason)


def test_who_waits_for_the_lock_has_it_when_the_other_has_ended() -> None:
    found = both(locking("two", say("second")))
    assert sent(found) == [("first", timedelta(days=1)), ("second", timedelta(days=1))]


def test_who_has_waited_for_too_long_goes_on_without_it() -> None:
    found = both(locking("two", say("second"), timeout={"when": "after", "hours": 2}))
    assert sent(found) == [("two_late", timedelta(hours=3)), ("first", timedelta(days=1))]
