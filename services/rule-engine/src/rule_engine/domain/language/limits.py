"""What of a decision can be kept: values, outputs, reasons and commands within the limits of rows and messages.

What cannot be kept is refused where it is made, so that no step is decided that can never be written. Reasons and the
values that an explanation quotes are cut instead: they are for people to read.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import JsonValue
from pydantic_core import to_json

from contracts.envelope import MAX_BODY, Body
from contracts.inputs import unkeepable
from contracts.texts import MAX_TITLE, composed, one_line
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.param_paths import below, changed_at

MAX_OUTPUTS = 250_000
"""Bytes of what all rules of a run give to later ones; they are written with every step of the run."""
MAX_REASON = 2_000
"""Characters of a reason; messages of other services may be longer."""
MAX_SEEN = 10_000
"""Bytes of one value that a decision keeps as seen."""
MAX_ALL_SEEN = 100_000
"""Bytes of all values that a decision keeps as seen."""


def keepable(made: Any) -> Any:
    """The same value, its texts composed. Raises `ValueFailureError` for one that no row or message could hold."""
    if fault := unkeepable(made):
        raise ValueFailureError(f"the value {fault}" if fault.startswith(_VERBS) else f"the value at {fault}")
    return composed(made)


_VERBS = ("contains ", "is ", "the name ")


def refuse_outputs(made: Mapping[str, JsonValue], others: Iterable[Mapping[str, JsonValue]]) -> str | None:
    """Why a rule's outputs cannot be kept beside those of the other rules of its run, if so."""
    if fault := unkeepable(dict(made)):
        return f"its outputs cannot be kept: {fault}"
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


def readable_reason(reason: str | None) -> str | None:
    """A reason without what cannot be kept or read, cut to what people read."""
    if reason is None:
        return None
    text = "".join(one if one.isprintable() or one == "\n" else "�" for one in reason[: MAX_REASON + 1])
    return text if len(text) <= MAX_REASON else f"{text[: MAX_REASON - 1]}…"


def cut_titles(
    params: Mapping[str, JsonValue], ways: Iterable[Sequence[str | int]]
) -> tuple[dict[str, JsonValue], str | None]:
    """Parameters with titles on one line that are not too long, and which of them were cut, for people.

    Raises `ValueFailureError` for a title with control characters, naming the parameter.
    """
    made, cut = dict(params), list[str]()

    def cut_one(title: JsonValue, where: str) -> JsonValue:
        if not isinstance(title, str):
            return title
        try:
            line = one_line(title)
        except ValueError as error:
            raise ValueFailureError(f"{where}: {error}") from error
        if len(line) <= MAX_TITLE:
            return line
        cut.append(where)
        return f"{line[: MAX_TITLE - 1]}…"

    for way in ways:
        made = changed_at(made, way, partial(cut_one, where=f"params.{below(way)}"))
    return made, f"{', '.join(cut)}: cut to {MAX_TITLE} characters" if cut else None


def quotable(seen: Mapping[str, Any]) -> dict[str, Any]:
    """Values by path as a decision keeps them: of one that is too large, only its size."""
    left, kept = MAX_ALL_SEEN, dict[str, Any]()
    for path, value in seen.items():
        size = _size(value)
        fits = size <= min(MAX_SEEN, left)
        kept[path] = value if fits else {"not_kept": f"{size} bytes"}
        left -= size if fits else 0
    return kept


def _size(value: Any) -> int:
    return len(to_json(value))
