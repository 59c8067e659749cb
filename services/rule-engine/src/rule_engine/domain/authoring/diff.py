"""What differs between two versions of a rule set, said rule by rule and field by field."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from rule_engine.domain.authoring.document import RuleDocument, RuleSetDocument

Kind = Literal["added", "removed", "changed", "moved"]
SHOWN = 80


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `stage` and `rule` are those of the later version, or of the earlier one if they were removed."""

    kind: Kind
    stage: str | None
    rule: str | None
    field: str | None
    before: Any
    after: Any
    what: str


@dataclass(frozen=True, slots=True)
class _Placed:
    stage: str
    index: int
    rule: RuleDocument


def changes(before: RuleSetDocument, after: RuleSetDocument) -> list[Change]:
    """Every difference, stage by stage. A rule is the same one when its id is, whatever its name and place."""
    return [*_of_set(before, after), *_of_rules(_by_id(before), _by_id(after))]


def _by_id(document: RuleSetDocument) -> dict[str, _Placed]:
    return {
        str(rule.id or f"{code}/{rule.name}"): _Placed(code, index, rule)
        for code, stage in document.stages.items()
        for index, rule in enumerate(stage.rules)
    }


def _of_set(before: RuleSetDocument, after: RuleSetDocument) -> Iterator[Change]:
    if before.name != after.name:
        what = f"the rule set is called {shown(after.name)}, before {shown(before.name)}"
        yield Change("changed", None, None, "name", before.name, after.name, what)


def _of_rules(before: Mapping[str, _Placed], after: Mapping[str, _Placed]) -> Iterator[Change]:
    moved = reordered(*({id: (one.stage, one.index) for id, one in some.items()} for some in (before, after)))
    for id, old in before.items():
        if id not in after:
            yield _whole("removed", old, before=old.rule)
    for id, new in after.items():
        if id not in before:
            yield _whole("added", new, after=new.rule)
        else:
            yield from _of_rule(before[id], new, id in moved)


def _whole(
    kind: Literal["added", "removed"], placed: _Placed, *, before: RuleDocument | None = None, after: Any = None
) -> Change:
    what = f"{placed.stage}: rule {placed.rule.name!r} ({placed.rule.type}) is {kind}"
    old, new = (_json(one) if one else None for one in (before, after))
    return Change(kind, placed.stage, placed.rule.name, None, old, new, what)


type Spot = tuple[Hashable, int]
"""What something is in, and which of the things in there it is."""


def reordered(before: Mapping[str, Spot], after: Mapping[str, Spot]) -> set[str]:
    """What stayed where it was, but in another order; as few as explain the new order."""
    moved: set[str] = set()
    for place in {one for one, _ in after.values()}:
        kept = [one for one in after if one in before and before[one][0] == after[one][0] == place]
        earlier = sorted(kept, key=lambda one: before[one][1])
        steady = SequenceMatcher(None, earlier, kept, autojunk=False).get_matching_blocks()
        moved |= set(kept) - {one for block in steady for one in kept[block.b : block.b + block.size]}
    return moved


def _of_rule(old: _Placed, new: _Placed, reordered: bool) -> Iterator[Change]:
    name, stage = new.rule.name, new.stage
    if old.stage != new.stage:
        what = f"{stage}: rule {name!r} was moved here from {old.stage}"
        yield Change("moved", stage, name, "stage", old.stage, stage, what)
    elif reordered:
        what = f"{stage}: rule {name!r} is number {new.index + 1}, before {old.index + 1}"
        yield Change("moved", stage, name, "position", old.index + 1, new.index + 1, what)
    for field, one, other in differing("", _json(old.rule), _json(new.rule)):
        what = f"{stage}: rule {name!r}: {field} is {shown(other)}, before {shown(one)}"
        yield Change("changed", stage, name, field, one, other, what)


def _json(rule: RuleDocument) -> dict[str, Any]:
    return rule.model_dump(mode="json", by_alias=True, exclude={"id"})


def differing(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """The paths at which two values differ, with both."""
    match before, after:
        case dict(), dict():
            for key in dict.fromkeys((*before, *after)):
                yield from differing(f"{path}.{key}".removeprefix("."), before.get(key), after.get(key))
        case list(), list() if len(before) == len(after):
            for index, (one, other) in enumerate(zip(before, after, strict=True)):
                yield from differing(f"{path}[{index}]", one, other)
        case _ if type(before) is not type(after) or before != after:
            yield path, before, after


def shown(value: Any) -> str:
    """A value as it is quoted in words."""
    if value is None or value == "":
        return "empty"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
