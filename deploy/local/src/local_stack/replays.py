"""`stack replay`: what another version would have decided otherwise, for people."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from local_stack.apply import ApplyError, Services, problems

type Json = Mapping[str, Any]

LONGEST_S = 1_000.0


def replay(services: Services, of: tuple[str, str], asked: Json) -> dict[str, Any]:
    """What was found of a rule set or workflow (collection, code). Raises `ApplyError` and `StackError`."""
    answer = services.post("rule-engine", f"/v1/{of[0]}/{of[1]}/replays", asked, LONGEST_S)
    if not answer.is_success:
        raise ApplyError([f"{of[1]}: {issue}" for issue in problems(answer)])
    found: dict[str, Any] = answer.json()
    return found


def show(found: Json) -> None:
    """Prints what would be otherwise or cannot be said, rule by rule."""
    version = f"version {found['version']}" if found["version"] else "the draft"
    counts = f"{found['same']} the same, {found['otherwise']} otherwise, {found['not_said']} cannot be said"
    print(f"{version} of {found['code']}, {_moment(found['since'])} to {_moment(found['until'])}")
    print(f"{found['decisions']} decisions about {found['items']} items: {counts}")
    for rule in found["rules"]:
        if rule["otherwise"] or rule["not_said"]:
            print(f"\n{'/'.join(filter(None, (rule['stage'], rule['rule'])))} ({rule['change']})")
            for line in _lines(rule):
                print(f"  {line}")
    for one in found["cut"]:
        print(f"\nNot shown: {one}")


def _lines(rule: Json) -> Iterator[str]:
    for one in rule["differences"]:
        was, would = (_named(one[verb], one[choice]) for verb, choice in (("was", "chose"), ("would", "choose")))
        yield f"{one['times']} times it {was}, and would {would}"
        yield from (f"  {_example(item)}" for item in one["items"])
    for one in rule["unsaid"]:
        yield f"{one['times']} times it cannot be said: {one['what']}"
        yield from (f"  {_example(item)}" for item in one["items"])


def _named(verb: str, choice: str | None) -> str:
    return f"{verb} {choice}" if choice else verb


def _example(item: Json) -> str:
    return "  ".join(filter(None, (_moment(item["at"]), item["item_id"], item["was"], item["would"])))


def _moment(text: str) -> str:
    """To the second, in UTC, as the service answers."""
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")
