"""What authors can name in conditions and texts, and how parameters are made from it.

A string is a Liquid template, `{"path": "steps.create_document.pdf"}` takes a value as it is, `{"expr": "…"}` computes
one, `{"const": …}` is never a template; lists and objects are walked.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import JsonValue, TypeAdapter, ValidationError

from contracts.budget import BudgetError, current
from contracts.conditions import Condition
from contracts.contexts import UNNAMED, ItemContext, Part
from contracts.envelope import rfc3339
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language import conditions, expressions, templates
from rule_engine.domain.language.functions import inside
from rule_engine.domain.language.limits import keepable
from rule_engine.domain.language.numbers import as_json, exact
from rule_engine.domain.language.variables import NOTHING_STORED, Stored

PARTS: Mapping[str, Part] = {
    "contact": "contacts",
    "contacts": "contacts",
    "company": "company",
    "products": "products",
    "planned_activities": "planned_activities",
    "responsible": "responsible",
    "supervisor": "supervisor",
    "stage": "stage",
}
"""The part of a context that a name needs; the other names always come."""


type ContextValues = Mapping[str, Any]
"""A context as authors name it."""


def context_values(context: ItemContext, before: tuple[ItemContext, ContextValues] | None = None) -> ContextValues:
    """The values of a context; those of parts that it has in common with one before are taken from there."""
    parts, had = _parts(context), _parts(before[0]) if before else {}
    changed = {name for name, part in parts.items() if name not in had or had[name] is not part}
    values = context.model_dump(mode="json", include=changed)
    for row in values.get("products", ()):
        row |= {name: as_json(exact(row[name])) for name in ("quantity", "discount_percent", "tax_percent")}
    return {**before[1], **values} if before else values


def _parts(context: ItemContext) -> dict[str, Any]:
    return {name: part for name, part in context.__dict__.items() if name not in UNNAMED}


def own_values(
    steps: Mapping[str, Mapping[str, JsonValue]], now: datetime, zone: str, stored: Stored = NOTHING_STORED
) -> dict[str, Any]:
    """The outputs of earlier rules, `var` and `const`, `now`, and `today` in a time zone, the company's."""
    return {
        **stored.named(),
        "steps": {name: dict(outputs) for name, outputs in steps.items()},
        "now": rfc3339(now),
        "today": now.astimezone(ZoneInfo(zone)).date().isoformat(),
    }


def values_of(
    context: ItemContext,
    steps: Mapping[str, Mapping[str, JsonValue]],
    now: datetime,
    stored: Stored = NOTHING_STORED,
) -> dict[str, Any]:
    """All of them together."""
    return {**context_values(context), **own_values(steps, now, context.tenant.time_zone, stored)}


WHERE = "where"
"""The parameter that is a condition: it is not made when the rule acts, but judged for each candidate, its `each`."""
_CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
MAX_MADE = 300
"""Texts, paths and expressions in the parameters of a rule."""
_STEP = 100
"""Units of `contracts.budget`: a value of parameters, a key of a path."""


def resolve(
    params: Mapping[str, JsonValue], values: Mapping[str, Any], html: Collection[str] = ()
) -> dict[str, JsonValue]:
    """Parameters with their values; in those named by `html`, values are escaped.

    Raises `ValueFailureError`, and `BudgetError`, naming the parameter and the reason.
    """
    with inside(values):
        return {
            name: value if name == WHERE else _resolve(value, values, f"params.{name}", html=name in html)
            for name, value in params.items()
        }


def _resolve(value: JsonValue, values: Mapping[str, Any], where: str, *, html: bool) -> JsonValue:
    current().spend(_STEP, "texts")
    if isinstance(value, str) or marked(value):
        try:
            made: JsonValue = keepable(_made(value, values, html=html))
        except BudgetError as error:
            raise error.at(where) from error
        except ValueFailureError as error:
            raise ValueFailureError(f"{where}: {error}") from error
        return made
    match value:
        case dict():
            return {name: _resolve(inner, values, f"{where}.{name}", html=html) for name, inner in value.items()}
        case list():
            return [_resolve(inner, values, f"{where}[{index}]", html=html) for index, inner in enumerate(value)]
        case _:
            return value


def analyse(params: Mapping[str, JsonValue]) -> None:
    """Parses what is made when the rule acts, and spends what that takes whatever the values. Raises `BudgetError`,
    `ValueFailureError` for more than can be made, and `ConditionError` for a condition that can never be judged.
    """
    made = list(spots_of(params))
    if len(made) > MAX_MADE:
        raise ValueFailureError(f"has {len(made)} texts, paths and expressions: a rule has at most {MAX_MADE}")
    for where, value in made:
        current().spend(_STEP, "texts")
        try:
            _paths(value)
        except BudgetError as error:
            raise error.at(where) from error
    judged = condition_in(params)
    if judged is not None:
        conditions.compiled(judged)


def marked(value: object) -> bool:
    """Whether it is `{"path": …}`, `{"expr": …}` or `{"const": …}`."""
    return isinstance(value, dict) and len(value) == 1 and not value.keys().isdisjoint({"path", "expr", "const"})


def _made(value: Any, values: Mapping[str, Any], *, html: bool) -> Any:
    match value:
        case str():
            return templates.render(value, values, html=html)
        case {"path": str(path)}:
            return _escaped(_follow(path, values), html)
        case {"expr": str(source)}:
            return _escaped(expressions.evaluate(source, values), html)
        case {"const": constant}:
            return constant
        case _:
            raise ValueFailureError("a path is a text such as item.title, an expression a text such as size(products)")


def _escaped(value: Any, html: bool) -> Any:
    return escape(value) if html and isinstance(value, str) else value


def _follow(path: str, values: Mapping[str, Any]) -> Any:
    value: Any = values
    for key in path.split("."):
        current().spend(_STEP, "texts")
        match value:
            case None:
                return None
            case Mapping() if key in value or path.startswith("item.fields."):
                value = value.get(key)
            case list() if key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            case list() if value and key in ("first", "last"):
                value = value[0 if key == "first" else -1]
            case list() | str() if key == "size":
                value = len(value)
            case _:
                raise ValueFailureError(f"{path} is unknown")
    return value


def paths_of(params: Mapping[str, JsonValue]) -> frozenset[str]:
    """Every path that parameters read, dotted; those of a text that cannot be parsed are not known."""
    judged = condition_in(params)
    made = (path for _, made in spots_of(params) for path in _paths(made))
    return frozenset(made) | (conditions.paths_of(judged) if judged else frozenset())


def condition_in(params: Mapping[str, JsonValue]) -> Condition | None:
    """The condition among parameters as written; null also for one that is none."""
    try:
        return _CONDITION.validate_python(params[WHERE]) if params.get(WHERE) is not None else None
    except ValidationError:
        return None


def spots_of(params: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    """Those of a rule's parameters that are made when it acts."""
    return spots({name: value for name, value in params.items() if name != WHERE}, "params")


def spots(value: JsonValue, where: str) -> Iterator[tuple[str, JsonValue]]:
    """Every text, `{path}`, `{expr}` and `{const}` in it, and where it stands."""
    match value:
        case str():
            yield where, value
        case dict() if marked(value):
            yield where, value
        case dict():
            for name, inner in value.items():
                yield from spots(inner, f"{where}.{name}")
        case list():
            for index, inner in enumerate(value):
                yield from spots(inner, f"{where}[{index}]")


def _paths(made: JsonValue) -> frozenset[str]:
    match made:
        case {"path": str(path)}:
            return frozenset({path})
        case {"expr": str(source)}:
            return expressions.paths_of(source)
        case str() if "{" in made:
            try:
                return templates.parse(made).paths
            except ValueFailureError:
                return frozenset()
        case _:
            return frozenset()


def parts_of(paths: Iterable[str]) -> tuple[Part, ...]:
    """The parts of an item's context that these paths need."""
    return tuple(sorted({PARTS[root] for path in paths if (root := path.split(".")[0]) in PARTS}))
