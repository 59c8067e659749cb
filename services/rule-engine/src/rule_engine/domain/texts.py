"""Authors' texts: Liquid templates, bounded so that a hostile one ends early, and filters in the tenant's language.

Rendering spends a budget: every node of a loop's template per iteration, every character read, filtered or assigned.
Ranges, partials and filters that are quadratic do not exist here, so the budget bounds time and memory.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from liquid import BoundTemplate, Environment, RenderContext, Token
from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, LoopExpression, Path
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import OutputNode
from liquid.exceptions import (
    FilterError,
    LiquidError,
    LiquidSyntaxError,
    ResourceLimitError,
    UndefinedError,
    UnknownFilterError,
)
from liquid.expression import Expression
from liquid.static_analysis import TemplateAnalysis, Variable
from liquid.undefined import UNDEFINED, FalsyStrictUndefined, Undefined

from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.functions import FUNCTIONS, Function, inside

MAX_SOURCE = 50_000
"""Characters of one template."""
MAX_MARKUP = 2_000
"""Characters between `{{` and `}}`, or `{%` and `%}`."""
MAX_MARKUPS = 2_000
"""Of those in one template."""
MAX_OUTPUT = 300_000
"""Bytes that one text may render to; a message carries at most 900 kB."""
MAX_VALUE = 300_000
"""Characters of one value while rendering."""
MAX_BITS = 256
"""Of a whole number while rendering."""
BUDGET = 5_000_000
NODE_COST = 20
"""What a node or expression costs for each iteration of a loop, in characters."""

TAGS = frozenset(
    {"content", "output", "illegal", "if", "unless", "case", "for", "break", "continue"}
    | {"assign", "capture", "echo", "comment"}
)
FILTERS = frozenset(
    {"abs", "at_least", "at_most", "ceil", "divided_by", "floor", "minus", "modulo", "plus", "round", "times"}
    | {"append", "capitalize", "downcase", "escape", "escape_once", "lstrip", "newline_to_br", "prepend", "remove"}
    | {"remove_first", "replace", "replace_first", "rstrip", "slice", "split", "squish", "strip", "strip_newlines"}
    | {"truncate", "truncatewords", "upcase", "url_encode", "url_decode"}
    | {"compact", "concat", "default", "first", "join", "last", "map", "reverse", "size", "sort", "sum", "where"}
)


_WHOLE_LIST = frozenset(
    ("compact", "concat", "map", "reverse", "sort", "sum", "where", "merge", "shuffle", "printable")
)


class _Undefined(FalsyStrictUndefined):
    """An unknown name is an error when printed; `if` and `default` may ask for it."""

    force_liquid_default = True


class _Context(RenderContext):
    """A rendering under way, with what is left of its budget."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._left = BUDGET

    def _spend(self, work: int) -> None:
        self._left -= work
        if self._left < 0:
            raise ResourceLimitError("the text takes too much work: shorten its loops", token=None)

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """Null where a step of the path is null, and for a custom field that the item does not have filled."""
        value = super().get(path, token=token, default=None if path[:2] == ["item", "fields"] else default)
        self._spend(_size(value))
        return value

    def get_item(self, obj: Any, key: Any) -> Any:
        return None if obj is None else super().get_item(obj, key)

    def assign(self, key: str, val: Any) -> None:
        self._spend(_size(val))
        self.locals[key] = val

    def raise_for_loop_limit(self, length: int = 1) -> None:
        template = self.template
        assert isinstance(template, _Template)  # noqa: S101 - the environment makes no others
        self._spend(length * template.cost)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        apply = super().filter(name, token)

        def bounded(value: object, *args: object, **kwargs: object) -> object:
            self._spend(_size(value) + sum(map(_size, args)))
            self._spend(_growth(name, value, args))
            try:
                return _checked(apply(value, *args, **kwargs))
            except (ResourceLimitError, UndefinedError):
                raise
            except ValueFailureError as error:
                raise FilterError(str(error), token=token) from error
            except Exception as error:  # filters raise anything; their texts show values, ours must not
                raise FilterError(f"the filter {name} cannot be used like this on this value", token=token) from error

        return bounded


def _ours(function: Function) -> Callable[..., object]:
    """A function as a filter; that a name is unknown, it says as printing would."""

    def apply(*args: object) -> object:
        for one in args:
            if isinstance(one, Undefined):
                str(one)
        return function(*args)

    return apply


def _size(value: object) -> int:
    match value:
        case str():
            return len(value)
        case list() | tuple():
            return len(value) + sum(len(one) for one in value if isinstance(one, str))
        case _:
            return 1


def _growth(name: str, value: object, args: tuple[object, ...]) -> int:
    """How many characters the two filters that multiply will make, and what going through a list takes.

    Raises when they are too many.
    """
    text = value if isinstance(value, str) else str(value) if name.startswith("replace") else ""
    grown = 0
    if name == "replace" and len(args) == 2:
        grown = text.count(str(args[0])) * len(str(args[1]))
    elif name in _WHOLE_LIST and isinstance(value, list | tuple):
        return 10 * len(value)
    elif name == "join" and args and isinstance(value, list | tuple):
        grown = len(value) * len(str(args[0]))
    if grown > MAX_VALUE:
        raise ResourceLimitError("a value of the text becomes too long", token=None)
    return grown


def _checked(value: object) -> object:
    if _size(value) > MAX_VALUE or (isinstance(value, int) and value.bit_length() > MAX_BITS):
        raise ResourceLimitError("a value of the text becomes too long", token=None)
    return value


class _Template(BoundTemplate):
    context_class = _Context
    cost: int = 0
    """Of one iteration of a loop somewhere in it."""


class _Environment(Environment):
    template_class = _Template
    output_stream_limit = MAX_OUTPUT

    def __init__(self) -> None:
        super().__init__(undefined=_Undefined, autoescape=False, strict_filters=True)
        self.tags = {name: tag for name, tag in self.tags.items() if name in TAGS}
        self.filters = {name: apply for name, apply in self.filters.items() if name in FILTERS}
        ours = FUNCTIONS | {f"{name}_": FUNCTIONS[name] for name in ("if", "in")}
        self.filters |= {name: _ours(function) for name, function in ours.items()}


_ENVIRONMENT = _Environment()
_MARKUP = re.compile(r"\{\{|\{%")
_GAP = re.compile(r"\s{200}")
_RESERVED = re.compile(r"""'[^']*'|"[^"]*"|(\|\s*)(if|in)(?=\s*:)""")


@dataclass(frozen=True, slots=True)
class Text:
    """A parsed template and what it reads."""

    template: BoundTemplate
    paths: frozenset[str]
    """Dotted paths of the context; up to the first part that is only known at run time."""
    loops: Mapping[str, str]
    """Names of loop variables, and the path of the list that each goes through."""
    loop_paths: frozenset[str]
    """Dotted paths that begin with a loop variable."""
    printed: frozenset[str]
    """Dotted paths that are printed as they are, without a filter."""


@lru_cache(maxsize=128)
def parse(source: str) -> Text:
    """Raises `ValueFailureError` for a text that cannot be rendered whatever the values."""
    if len(source) > MAX_SOURCE:
        raise ValueFailureError(f"is longer than {MAX_SOURCE} characters")
    try:
        template = _ENVIRONMENT.from_string(_spelled(source, list(_markups(source))))
        parts = list(_walk(template.nodes, RenderContext(template)))
        analysis = template.analyze()
        _refuse_foreign(parts, analysis.filters)
        return _analysed(template, parts, analysis)
    except LiquidError as error:
        raise ValueFailureError(_words(error)) from error
    except RecursionError as error:
        raise ValueFailureError("is nested too deeply") from error


def _markups(source: str) -> Iterator[tuple[int, int]]:
    """Where the insides of insertions and tags begin and end.

    Refuses, in one pass, what Liquid's lexer would take minutes for: it backtracks over what is not closed.
    """
    at, found = 0, 0
    while (start := _MARKUP.search(source, at)) is not None:
        found += 1
        if found > MAX_MARKUPS:
            raise LiquidSyntaxError(f"has more than {MAX_MARKUPS} insertions and tags", token=None)
        closing = "}}" if start[0] == "{{" else "%}"
        end = source.find(closing, start.end())
        inside = source[start.end() : end]
        if end < 0:
            raise LiquidSyntaxError(f"{start[0]} is never closed by {closing}", token=None)
        if len(inside) > MAX_MARKUP or _MARKUP.search(inside):
            raise LiquidSyntaxError(f"{start[0]} is not closed by {closing} before the next one", token=None)
        if _GAP.search(inside):
            raise LiquidSyntaxError(f"there are 200 blanks after {start[0]}", token=None)
        if start[0] == "{%" and inside.strip("- \t\r\n") in ("raw", "doc"):
            raise LiquidSyntaxError(f"there is no tag {inside.strip('- \t\r\n')}", token=None)
        yield start.end(), end
        at = end + len(closing)


def _spelled(source: str, markups: list[tuple[int, int]]) -> str:
    """The source with filters whose names Liquid reserves spelled as it can read them."""
    parts, at = list[str](), 0
    for start, end in markups:
        parts += [source[at:start], _RESERVED.sub(_respelled, source[start:end])]
        at = end
    return "".join([*parts, source[at:]])


def _respelled(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}_" if found[2] else found[0]


def _walk(nodes: Iterable[Node], context: RenderContext) -> Iterator[Node | Expression]:
    for node in nodes:
        yield node
        for expression in node.expressions():
            yield from _expressions(expression)
        yield from _walk(node.children(context), context)


def _expressions(expression: Expression) -> Iterator[Expression]:
    yield expression
    for child in expression.children():
        yield from _expressions(child)


def _refuse_foreign(parts: list[Node | Expression], filters: Iterable[str]) -> None:
    if any(isinstance(part, RangeLiteral) for part in parts):
        raise LiquidSyntaxError("ranges such as (1..9) cannot be used", token=None)
    for name in filters:
        if name not in _ENVIRONMENT.filters:
            raise UnknownFilterError(f"there is no filter {name}", token=None)


def _analysed(template: BoundTemplate, parts: list[Node | Expression], analysis: TemplateAnalysis) -> Text:
    assert isinstance(template, _Template)  # noqa: S101 - the environment makes no others
    template.cost = NODE_COST * len(parts)
    own = {part.identifier for part in parts if isinstance(part, LoopExpression)} - analysis.globals.keys()
    loops = {
        part.identifier: _dotted(part.iterable.path)
        for part in parts
        if isinstance(part, LoopExpression) and isinstance(part.iterable, Path) and part.identifier in own
    }
    return Text(
        template=template,
        paths=_paths(uses for uses in analysis.globals.values()),
        loops=loops,
        loop_paths=_paths(uses for name, uses in analysis.variables.items() if name in loops),
        printed=frozenset(_dotted(path.path) for part in parts for path in _printed(part)),
    )


def _paths(variables: Iterable[Iterable[Variable]]) -> frozenset[str]:
    return frozenset(_dotted(use.segments) for uses in variables for use in uses)


def _printed(part: Node | Expression) -> Iterator[Path]:
    if isinstance(part, OutputNode) and isinstance(part.expression, FilteredExpression):
        shown = part.expression
        if isinstance(shown.left, Path) and not shown.filters:
            yield shown.left


def _dotted(segments: Iterable[Any]) -> str:
    known: list[str] = []
    for segment in segments:
        if not isinstance(segment, str | int):
            break
        known.append(str(segment))
    return ".".join(known)


def _words(error: LiquidError) -> str:
    return str(error.message).replace("is undefined", "is unknown")


def render(source: str, values: Mapping[str, Any]) -> str:
    """The text with values in it. Raises `ValueFailureError` that says why it cannot be made."""
    if "{" not in source:
        return source
    text = parse(source)
    try:
        with inside(values):
            return text.template.render(values)
    except LiquidError as error:
        raise ValueFailureError(_words(error)) from error
    except RecursionError as error:
        raise ValueFailureError("is nested too deeply") from error
