"""How conditions are written: a tree of leaves, groups and questions, and its words."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag, model_validator

from contracts.conditions.operands import Path, PathOperand, operand, operands
from contracts.conditions.operators import OPERATORS, OperatorName

MAX_DEPTH = 20
MAX_NODES = 300
"""Leaves, groups and questions of one condition."""
MAX_QUANTIFIERS = 2
"""How deep `some`, `every`, `none` may be nested: each level multiplies the work by the elements of its list."""
MAX_EXPRESSION = 2_000
"""Characters of an expression."""


WORDS: Mapping[str, str] = {name: one.words for name, one in OPERATORS.items()} | {
    "some": "has some where",
    "every": "has only such that",
    "none": "has none where",
}


class _Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Leaf(_Node):
    """One comparison. `value` is what to compare with: a constant or an operand; a list of those for `in` and its like,
    a pair for `between`, a period for `during`, a regular expression (RE2, found anywhere) for `matches`, none for
    `empty` and `filled`. A pair of clock times may pass midnight: `["22:00", "06:00"]`.
    """

    path: Path
    op: OperatorName
    value: JsonValue = None

    @model_validator(mode="after")
    def _has_fitting_value(self) -> "Leaf":
        OPERATORS[self.op].refuse(self.value)
        return self


class All(_Node):
    """True when every part is; an empty list is true."""

    all: tuple["Condition", ...]


class Any_(_Node):
    """True when at least one part is; an empty list is false."""

    any: tuple["Condition", ...]


class Not(_Node):
    """True when its part is not."""

    not_: "Condition" = Field(alias="not")


class Some(_Node):
    """True when `where` holds for at least one element of the list, which it names `each`."""

    some: Path
    where: "Condition"


class Every(_Node):
    """True when `where` holds for all elements of the list; of an empty list it is true."""

    every: Path
    where: "Condition"


class NoneOf(_Node):
    """True when `where` holds for no element of the list."""

    none: Path
    where: "Condition"


class Expr(_Node):
    """An expression that gives yes or no, for experts."""

    expr: Annotated[str, Field(min_length=1, max_length=MAX_EXPRESSION)]


def _tag(written: Any) -> str | None:
    """The kind of node, so that errors are about that kind alone; null for none of them."""
    if isinstance(written, _Node):
        return type(written).__name__
    keys = written if isinstance(written, dict) else ()
    named = next((tag for key, tag in _TAGS.items() if key in keys), None)
    return named or ("Leaf" if any(key in keys for key in Leaf.model_fields) else None)


_TAGS = {"all": "All", "any": "Any_", "not": "Not", "some": "Some", "every": "Every", "none": "NoneOf", "expr": "Expr"}

Quantifier = Some | Every | NoneOf
Condition = Annotated[
    Annotated[Leaf, Tag("Leaf")]
    | Annotated[All, Tag("All")]
    | Annotated[Any_, Tag("Any_")]
    | Annotated[Not, Tag("Not")]
    | Annotated[Some, Tag("Some")]
    | Annotated[Every, Tag("Every")]
    | Annotated[NoneOf, Tag("NoneOf")]
    | Annotated[Expr, Tag("Expr")],
    Discriminator(
        _tag,
        custom_error_type="condition",
        custom_error_message=f"a condition has path, op and value, or one of {', '.join(_TAGS)}",
    ),
]
for _model in (All, Any_, Not, Some, Every, NoneOf):
    _model.model_rebuild()


def quantified(node: Quantifier) -> tuple[Literal["some", "every", "none"], str]:
    """Which question, about the list at which path."""
    match node:
        case Some(some=path):
            return "some", path
        case Every(every=path):
            return "every", path
        case NoneOf(none=path):
            return "none", path


def parts_of(condition: Condition) -> tuple[Condition, ...]:
    """The conditions directly inside."""
    match condition:
        case All(all=parts) | Any_(any=parts):
            return parts
        case Not(not_=part):
            return (part,)
        case Some(where=where) | Every(where=where) | NoneOf(where=where):
            return (where,)
        case _:
            return ()


def leaves_of(condition: Condition) -> Iterator[Leaf]:
    """Every leaf, left to right."""
    if isinstance(condition, Leaf):
        yield condition
    for part in parts_of(condition):
        yield from leaves_of(part)


def expressions_of(condition: Condition) -> Iterator[str]:
    """Every expression, left to right; which paths they read is known only to their parser."""
    if isinstance(condition, Expr):
        yield condition.expr
    for part in parts_of(condition):
        yield from expressions_of(part)


def paths(condition: Condition) -> frozenset[str]:
    """Every path that a condition reads by itself, without its expressions; `each` is part of the list's path."""
    return frozenset(path for path in _paths(condition) if path.partition(".")[0] != "each")


def _paths(condition: Condition) -> Iterator[str]:
    match condition:
        case Leaf(path=path, value=value):
            yield path
            yield from (one.path for one in operands(value) if isinstance(one, PathOperand))
        case Some() | Every() | NoneOf():
            yield quantified(condition)[1]
    for part in parts_of(condition):
        yield from _paths(part)


def described(condition: Condition) -> str:
    """The condition in words: `each.quantity > 3 and each.unit = pcs`."""
    match condition:
        case Leaf(path=path, op=op, value=value):
            return f"{path} {WORDS[op]}" + ("" if OPERATORS[op].takes == "nothing" else f" {shown(value)}")
        case All(all=parts):
            return " and ".join(enclosed(part) for part in parts) or "always"
        case Any_(any=parts):
            return " or ".join(enclosed(part) for part in parts) or "never"
        case Not(not_=part):
            return f"not {enclosed(part)}"
        case Some() | Every() | NoneOf():
            which, path = quantified(condition)
            return f"{path} {WORDS[which]} {enclosed(condition.where)}"
        case Expr(expr=expr):
            return expr


def enclosed(part: Condition) -> str:
    """The condition in words, in brackets where they could be misread."""
    return f"({described(part)})" if isinstance(part, All | Any_) else described(part)


_DIGITS = dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND"), 0) | (
    dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
)
"""Digits after the point where they are not two (ISO 4217)."""


def shown(value: Any) -> str:
    """A value for people: `empty`, `1234.50 EUR`, `3 days ago`."""
    match value:
        case None | "":
            return "empty"
        case bool():
            return "yes" if value else "no"
        case {"amount": int(amount), "currency": str(currency)}:
            digits = _DIGITS.get(currency, 2)
            return f"{Decimal(amount).scaleb(-digits):.{digits}f} {currency}"
        case {"said": str(said), "value": resolved} | {"path": str(said), "value": resolved}:
            return f"{said} ({shown(resolved)})"
        case list():
            return f"[{', '.join(repr(one) if isinstance(one, str) else shown(one) for one in value)}]"
        case _:
            written = operand(value) if isinstance(value, dict) else None
            return written.words() if written else str(value)
