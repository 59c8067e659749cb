"""Authors' texts: Liquid templates, bounded so that a hostile one ends early, and filters in the tenant's language.

Parsing and rendering spend the budget of the decision under way: every insertion and tag with its words, every node of
a loop's template per iteration, every character read, filtered or assigned. Ranges, partials and filters that are
quadratic do not exist here, so the budget bounds time and memory.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, TextIO

from liquid import BoundTemplate, Environment, RenderContext, Token
from liquid.ast import Node
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, LoopExpression, Path
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.echo_tag import EchoNode, EchoTag
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
from liquid.stringify import to_liquid_string
from liquid.undefined import UNDEFINED, FalsyStrictUndefined, Undefined

from contracts.budget import BudgetError, current, spending
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.functions import FUNCTIONS, Function, inside, weight
from rule_engine.domain.language.numbers import Number, as_json, difference_of, exact, product_of, quotient_of, sum_of

MAX_SOURCE = 50_000
"""Characters of one template."""
MAX_MARKUP = 2_000
"""Characters between `{{` and `}}`, or `{%` and `%}`."""
MAX_MARKUPS = 500
"""Of those in one template."""
MAX_TOKENS = 200
"""Names, texts, numbers and signs in one of them."""
MAX_BRACKETS = 4
"""How deep brackets are nested in one: Liquid looks at what is inside again for each of them."""
MAX_OUTPUT = 300_000
"""Bytes that one text may render to; a message carries at most 900 kB."""
MAX_VALUE = 300_000
"""Characters of one value while rendering."""
MAX_BITS = 256
"""Of a whole number while rendering."""

# units of `contracts.budget`
_LETTER, _MARKUP_COST, _TOKEN_COST = 8, 4_000, 2_500
"""A character, an insertion or tag, and a token in it: to be parsed and analysed."""
NODE_COST = 250
"""What a node or expression costs for each iteration of a loop."""
_READ, _ELEMENT = 150, 20
"""A value read or filtered, beside its characters; an element of a list."""
_HEAVY: Mapping[str, int] = {"url_encode": 15, "url_decode": 15} | dict.fromkeys(
    ("escape", "escape_once", "newline_to_br", "squish", "strip_newlines"), 5
)
"""What each character costs filters that look for something in it."""

TAGS = frozenset(
    {"content", "output", "illegal", "if", "unless", "case", "for", "break", "continue"}
    | {"assign", "capture", "echo", "comment"}
)
FILTERS = frozenset(
    {"abs", "at_least", "at_most", "ceil", "divided_by", "floor", "minus", "modulo", "plus", "round", "times"}
    | {"append", "capitalize", "downcase", "escape", "escape_once", "lstrip", "newline_to_br", "prepend", "remove"}
    | {"remove_first", "replace", "replace_first", "rstrip", "slice", "split", "squish", "strip", "strip_newlines"}
    | {"safe", "truncate", "truncatewords", "upcase", "url_encode", "url_decode"}
    | {"compact", "concat", "default", "first", "join", "last", "map", "reverse", "size", "sort", "sum", "where"}
)


_WHOLE_LIST = frozenset(("compact", "concat", "map", "reverse", "sort", "sum", "where"))
_SHALLOW = _WHOLE_LIST | {"default", "first", "last", "size"} | FUNCTIONS.keys()
"""What does not print the elements of what it is given; functions of ours spend by themselves."""


class _Undefined(FalsyStrictUndefined):
    """An unknown name is an error when printed; `if` and `default` may ask for it."""

    force_liquid_default = True


class _Context(RenderContext):
    """A rendering under way, with what is left of its budget."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._budget = current()

    def spend(self, units: int) -> None:
        self._budget.spend(units, "texts")

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """Null where a step of the path is null, and for a custom field that the item does not have filled."""
        value = super().get(path, token=token, default=None if path[:2] == ["item", "fields"] else default)
        self.spend(_size(value))
        return value

    def get_item(self, obj: Any, key: Any) -> Any:
        return None if obj is None else super().get_item(obj, key)

    def assign(self, key: str, val: Any) -> None:
        self.spend(_size(val))
        self.locals[key] = val

    def raise_for_loop_limit(self, length: int = 1) -> None:
        template = self.template
        assert isinstance(template, _Template)  # noqa: S101 - the environment makes no others
        self.spend(length * template.cost)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        apply = super().filter(name, token)

        def bounded(value: object, *args: object, **kwargs: object) -> object:
            self.spend((_size if name in _SHALLOW else _printed_size)(value) + sum(map(_size, args)))
            self.spend(_growth(name, value, args))
            try:
                return _checked(apply(value, *args, **kwargs))
            except (BudgetError, ResourceLimitError, UndefinedError):
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


def _exactly(name: str, apply: Callable[[Number, Number], Number]) -> Callable[[object, object], object]:
    """Arithmetic as in expressions; what is no number counts as 0, as everywhere in Liquid."""

    def applied(value: object, other: object) -> int | float:
        try:
            return as_json(apply(_counted(value), _counted(other)))
        except ValueFailureError as error:
            raise ValueFailureError(f"{name}: {error}") from error

    return applied


def _counted(value: object) -> Number:
    if isinstance(value, Undefined):
        str(value)
    try:
        return exact(value)
    except ValueFailureError:
        if isinstance(value, int | float):
            raise
        return 0


def _divided(number: Number, other: Number) -> Number:
    """Whole numbers without a rest, as Liquid does it."""
    found = quotient_of(number, other)
    return found.numerator // found.denominator if isinstance(number, int) and isinstance(other, int) else found


def _rest(number: Number, other: Number) -> Number:
    return number - other * (quotient_of(number, other) // 1)


_ARITHMETIC: Mapping[str, Callable[[Number, Number], Number]] = {
    "plus": sum_of,
    "minus": difference_of,
    "times": product_of,
    "divided_by": _divided,
    "modulo": _rest,
}


def _size(value: object) -> int:
    """What reading or making it costs."""
    match value:
        case str():
            return _READ + len(value)
        case list() | tuple():
            return _READ + _ELEMENT * len(value) + sum(len(one) for one in value if isinstance(one, str))
        case _:
            return _READ


def _printed_size(value: object) -> int:
    """What printing it costs: a list or an object becomes a text with all that is in it."""
    return _size(value) if isinstance(value, str) else _READ + 2 * weight(value)


def _is_too_long(value: object) -> bool:
    match value:
        case str():
            return len(value) > MAX_VALUE
        case list() | tuple():
            return len(value) + sum(len(one) for one in value if isinstance(one, str)) > MAX_VALUE
        case int():
            return value.bit_length() > MAX_BITS
        case _:
            return False


def _growth(name: str, value: object, args: tuple[object, ...]) -> int:
    """How many characters the two filters that multiply will make, and what going through a list takes.

    Raises when they are too many.
    """
    text = value if isinstance(value, str) else str(value) if name.startswith("replace") else ""
    grown = 0
    if name in _HEAVY:
        return _HEAVY[name] * len(text)
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
    if _is_too_long(value):
        raise ResourceLimitError("a value of the text becomes too long", token=None)
    return value


class _PrintedNode(OutputNode):
    """An insertion: what it prints is paid for before it becomes a text."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        assert isinstance(context, _Context)  # noqa: S101 - the environment makes no others
        context.spend(_printed_size(value))
        return buffer.write(to_liquid_string(value, autoescape=context.autoescape))


class _Output(Output):
    node_class = _PrintedNode


class _EchoNode(_PrintedNode, EchoNode):
    pass


class _Echo(EchoTag):
    node_class = _EchoNode


class _Template(BoundTemplate):
    context_class = _Context
    cost: int = 0
    """Of one iteration of a loop somewhere in it."""


class _Environment(Environment):
    template_class = _Template
    output_stream_limit = MAX_OUTPUT

    def __init__(self, *, html: bool) -> None:
        super().__init__(undefined=_Undefined, autoescape=html, strict_filters=True)
        self.tags = {name: tag for name, tag in self.tags.items() if name in TAGS}
        self.tags |= {"output": _Output(self), "echo": _Echo(self)}
        self.filters = {name: apply for name, apply in self.filters.items() if name in FILTERS}
        self.filters |= {name: _exactly(name, apply) for name, apply in _ARITHMETIC.items()}
        ours = FUNCTIONS | {f"{name}_": FUNCTIONS[name] for name in ("if", "in")}
        self.filters |= {name: _ours(function) for name, function in ours.items()}


_ENVIRONMENT = _Environment(html=False)
_HTML_ENVIRONMENT = _Environment(html=True)
"""Its values are escaped when they are printed, unless they went through `safe`: what visitors typed is no markup."""
_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|[\w-]+|[^\s\w]""")
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
    needed: frozenset[str]
    """Dotted paths that must be there: no `default` stands in for them, and no tag asks whether they are there."""


def parse(source: str, *, html: bool = False) -> Text:
    """Raises `ValueFailureError` for a text that cannot be rendered whatever the values.

    Spends what it costs, also when the text is known already: a decision must not depend on what was done before.
    """
    if len(source) > MAX_SOURCE:
        raise ValueFailureError(f"is longer than {MAX_SOURCE} characters")
    current().spend(_cost(source), "texts")
    return _parsed(source, html)


@lru_cache(maxsize=512)
def _cost(source: str) -> int:
    """Of parsing and analysing it. Raises as `parse` does, before Liquid sees it."""
    try:
        insides = [source[start:end] for start, end in _markups(source)]
    except LiquidError as error:
        raise ValueFailureError(_words(error)) from error
    tokens = sum(map(_tokens, insides))
    return _LETTER * len(source) + _MARKUP_COST * len(insides) + _TOKEN_COST * tokens


def _tokens(inside: str) -> int:
    tokens = _TOKEN.findall(inside)
    if len(tokens) > MAX_TOKENS:
        raise ValueFailureError(f"an insertion or tag has more than {MAX_TOKENS} names, texts and signs: split it")
    deepest = max(accumulate((one == "[") - (one == "]") for one in tokens), default=0)
    if deepest > MAX_BRACKETS:
        raise ValueFailureError(f"brackets are nested more than {MAX_BRACKETS} deep")
    return len(tokens)


@lru_cache(maxsize=512)
def _parsed(source: str, html: bool) -> Text:
    try:
        template = (_HTML_ENVIRONMENT if html else _ENVIRONMENT).from_string(_spelled(source, list(_markups(source))))
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
        needed=_needed(parts),
    )


def _needed(parts: list[Node | Expression]) -> frozenset[str]:
    asked = {_dotted(path.path) for part in parts if isinstance(part, BooleanExpression) for path in _paths_in(part)}
    used = {
        _dotted(part.left.path)
        for part in parts
        if isinstance(part, FilteredExpression) and isinstance(part.left, Path) and not _has_default(part)
    }
    return frozenset(path for path in used if not any(f"{path}.".startswith(f"{one}.") for one in asked))


def _has_default(expression: FilteredExpression) -> bool:
    return [one.name for one in expression.filters or ()][:1] == ["default"]


def _paths_in(expression: Expression) -> Iterator[Path]:
    return (one for one in _expressions(expression) if isinstance(one, Path))


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


def render(source: str, values: Mapping[str, Any], *, html: bool = False) -> str:
    """The text with values in it; in HTML they are escaped. Raises `ValueFailureError` that says why it cannot be."""
    if "{" not in source:
        return source
    try:
        with spending(current()), inside(values):
            return str(parse(source, html=html).template.render(values))
    except LiquidError as error:
        raise ValueFailureError(_words(error)) from error
    except RecursionError as error:
        raise ValueFailureError("is nested too deeply") from error
