"""The limits of what a decision can store: values, outputs, reasons and commands.

What cannot be stored is refused where it is made, so that no step is decided that can never be written. Reasons and the
values that an explanation quotes are cut instead: they are for people to read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import JsonValue
from pydantic_core import to_json

from contracts.envelope import MAX_BODY, Body
from contracts.inputs import unkeepable
from contracts.texts import composed, one_line, shown_on_one_line
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.param_paths import below, changed_at

MAX_OUTPUTS = 250_000
"""Bytes of what all rules of a run give to later ones; they are written with every step of the run."""
MAX_SEEN = 10_000
"""Bytes of one value that a decision keeps as seen."""
MAX_ALL_SEEN = 100_000
"""Bytes of all values that a decision keeps as seen."""


def keepable(made: Any) -> Any:
    """The same value, its texts composed. Raises `ValueFailureError` for one that no row or message could hold."""
    if issue := unkeepable(made):
        raise ValueFailureError(f"the value {issue}" if issue.startswith(_VERBS) else f"the value at {issue}")
    return composed(made)


_VERBS = ("contains ", "is ", "the name ")


def refuse_outputs(made: Mapping[str, JsonValue], others: Iterable[Mapping[str, JsonValue]]) -> str | None:
    """Why a rule's outputs cannot be kept beside those of the other rules of its run, if so."""
    if issue := unkeepable(dict(made)):
        return f"its outputs cannot be kept: {issue}"
    size, rest = _size(made), sum(map(_size, others))
    if size + rest > MAX_OUTPUTS:
        beside = f" beside the {rest} of the rules before" if rest else ""
        return f"its outputs have {size} bytes{beside}: the rules of a run give at most {MAX_OUTPUTS} bytes in all"
    return None


def refuse_command(body: Body) -> str | None:
    """Why no broker would take a command, if so."""
    size = len(body.model_dump_json().encode())
    if size > MAX_BODY:
        return f"its command would have {size} bytes, at most {MAX_BODY} can be sent: shorten its texts and values"
    return None


@dataclass(frozen=True, slots=True)
class Cut:
    """A text in parameters that is for people to read or to recognise something by: it has at most `most` characters.

    `one_line`: control characters, which are invisible, are left out, and white space is folded.
    """

    path: Sequence[str | int]
    most: int
    one_line: bool


def cut_texts(params: Mapping[str, JsonValue], cuts: Iterable[Cut]) -> tuple[dict[str, JsonValue], str | None]:
    """Parameters with those texts as they are to be, and what was left out of which of them, for people."""
    made, left_out = dict(params), list[str]()

    def cut_one(text: JsonValue, cut: Cut) -> JsonValue:
        if not isinstance(text, str):
            return text
        kept = _on_one_line(text) if cut.one_line else text
        if kept is None:
            kept = shown_on_one_line(text)
            left_out.append(f"params.{below(cut.path)}: control characters left out")
        if len(kept) <= cut.most:
            return kept
        left_out.append(f"params.{below(cut.path)}: cut to {cut.most} characters")
        return f"{kept[: cut.most - 1]}…"

    for cut in cuts:
        made = changed_at(made, cut.path, partial(cut_one, cut=cut))
    return made, "; ".join(left_out) or None


def _on_one_line(text: str) -> str | None:
    """Null for one with control characters."""
    try:
        return one_line(text)
    except ValueError:
        return None


def quotable(seen: Mapping[str, Any]) -> dict[str, Any]:
    """Values by path as a decision keeps them: of one that is too large, only its size."""
    if _size(seen) <= MAX_SEEN:
        return dict(seen)
    left, kept = MAX_ALL_SEEN, dict[str, Any]()
    for path, value in seen.items():
        size = _size(value)
        fits = size <= min(MAX_SEEN, left)
        kept[path] = value if fits else {"not_kept": f"{size} bytes"}
        left -= size if fits else 0
    return kept


def _size(value: Any) -> int:
    return len(to_json(value))
