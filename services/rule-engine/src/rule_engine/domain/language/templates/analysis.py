"""What a parsed text reads, so that publishing can check it and a run fetches what it needs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from liquid import BoundTemplate, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, LoopExpression, Path
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import OutputNode
from liquid.expression import Expression
from liquid.static_analysis import Variable

from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.templates.environment import ENVIRONMENT, Template

NODE_COST = 250
"""Units of `contracts.budget` that a node or expression costs for each iteration of a loop."""


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


def analysed(template: BoundTemplate) -> Text:
    """What the template reads. Raises `ValueFailureError` for what authors cannot use, `LiquidError` as Liquid does."""
    assert isinstance(template, Template)  # noqa: S101 - the environment makes no others
    parts, analysis = list(_walk(template.nodes, RenderContext(template))), template.analyze()
    _refuse_foreign(parts, analysis.filters)
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
        raise ValueFailureError("ranges such as (1..9) cannot be used")
    for name in filters:
        if name not in ENVIRONMENT.filters:
            raise ValueFailureError(f"there is no filter {name}")


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
