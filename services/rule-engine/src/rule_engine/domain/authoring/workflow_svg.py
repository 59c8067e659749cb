"""A workflow as an SVG drawing: boxes inside boxes, branches side by side, what follows below.

A box is as large as what is inside it, so nothing can overlap and no layout of a graph is needed. Widths of letters are
estimated; `textLength` makes every renderer keep to the estimate. What is written is data: the tree is built, not
concatenated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from unicodedata import category, east_asian_width
from xml.etree.ElementTree import Element, SubElement, tostring

from rule_engine.domain.authoring.workflow_document import (
    ACTION,
    MAX_BLOCKS,
    MAX_DEPTH,
    BlockDocument,
    WorkflowDocument,
    placed_blocks,
)
from rule_engine.domain.errors import EngineError

_MOST = 60
_PAD, _GAP, _HEAD, _LABEL = 12, 24, 46, 20
_NARROW, _WIDE = 7.5, 14.0
"""Widths of letters at 13 px."""
_STYLE = """
svg { background: #ffffff; font: 13px system-ui, sans-serif; }
rect { fill: #f4f6f8; stroke: #57606a; rx: 6px; }
rect.wait { stroke-dasharray: 5 3; }
text { fill: #1f2328; }
.title { font-weight: 600; }
.kind, .label { fill: #57606a; font-size: 12px; }
path { stroke: #57606a; fill: none; }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117; }
  rect { fill: #161b22; stroke: #8b949e; }
  text { fill: #e6edf3; }
  .kind, .label { fill: #9da7b1; }
  path { stroke: #8b949e; }
}
"""
_WAITS = ("pause", "wait_event", "approve", "acknowledge", "request_information")


class TooLargeToDrawError(EngineError):
    """A draft has more blocks, or deeper ones, than could be published."""


@dataclass(frozen=True, slots=True)
class _Stack:
    """Blocks one below the other, under a label."""

    label: str
    boxes: tuple["_Box", ...]
    width: float
    height: float

    @property
    def top(self) -> float:
        """Where the first block begins."""
        return _LABEL if self.label else 0


@dataclass(frozen=True, slots=True)
class _Box:
    """A block, with the stacks inside it side by side."""

    block: BlockDocument
    title: str
    kind: str
    stacks: tuple[_Stack, ...]
    width: float
    height: float


def svg(document: WorkflowDocument) -> str:
    """The drawing as XML, readable on light and on dark. Raises `TooLargeToDrawError`."""
    placed = list(islice(placed_blocks(document), MAX_BLOCKS + 1))
    if len(placed) > MAX_BLOCKS or any(len(one.around) >= MAX_DEPTH for one in placed):
        raise TooLargeToDrawError(f"drawn are at most {MAX_BLOCKS} blocks, {MAX_DEPTH} deep")
    stack = _stack("", document.blocks)
    size = {"width": _number(stack.width + 2 * _PAD), "height": _number(stack.height + 2 * _PAD)}
    root = Element("svg", size | {"xmlns": "http://www.w3.org/2000/svg", "role": "img"})
    root.set("viewBox", f"0 0 {size['width']} {size['height']}")
    SubElement(root, "style").text = _STYLE
    _draw_stack(root, stack, _PAD, _PAD)
    return tostring(root, encoding="unicode")


def _stack(label: str, blocks: Sequence[BlockDocument]) -> _Stack:
    label, boxes = _shown(label), tuple(map(_box, blocks))
    width = max([_width(label), *(one.width for one in boxes)])
    height = sum(one.height for one in boxes) + _GAP * max(len(boxes) - 1, 0)
    return _Stack(label, boxes, width, height + (_LABEL if label else 0))


def _box(block: BlockDocument) -> _Box:
    title = _shown(block.title or block.name)
    kind = _shown(str(block.options.get("type")) if block.block == ACTION else block.block)
    stacks = tuple(_stack(label, blocks) for label, blocks in _inside(block))
    inside = sum(one.width for one in stacks) + _GAP * max(len(stacks) - 1, 0)
    height = _HEAD + (max(one.height for one in stacks) + _PAD if stacks else 0)
    return _Box(block, title, kind, stacks, max(_width(title), _width(kind), inside) + 2 * _PAD, height)


def _inside(block: BlockDocument) -> Iterator[tuple[str, Sequence[BlockDocument]]]:
    if block.blocks:
        yield "each turn", block.blocks
    for index, one in enumerate(block.branches):
        otherwise = block.block == "if" and one.condition is None
        yield one.name or ("otherwise" if otherwise else str(index + 1)), one.blocks


def _draw_stack(parent: Element, stack: _Stack, x: float, y: float) -> None:
    if stack.label:
        _draw_text(parent, "label", stack.label, x, y + 13)
    middle, y = x + stack.width / 2, y + stack.top
    for index, box in enumerate(stack.boxes):
        if index:
            arrow = f"M{_number(middle)} {_number(y - _GAP)}v{_GAP - 1}m-4 -5l4 5l4 -5"
            SubElement(parent, "path", {"d": arrow})
        _draw_box(parent, box, middle - box.width / 2, y)
        y += box.height + _GAP


def _draw_box(parent: Element, box: _Box, x: float, y: float) -> None:
    place = {"x": x, "y": y, "width": box.width, "height": box.height}
    drawn = SubElement(parent, "rect", {name: _number(value) for name, value in place.items()})
    if box.block.block in _WAITS:
        drawn.set("class", "wait")
    _draw_text(parent, "title", box.title, x + _PAD, y + 20)
    _draw_text(parent, "kind", box.kind, x + _PAD, y + 37)
    x += _PAD
    for stack in box.stacks:
        _draw_stack(parent, stack, x, y + _HEAD)
        x += stack.width + _GAP


def _draw_text(parent: Element, kind: str, text: str, x: float, y: float) -> None:
    place = {"class": kind, "x": _number(x), "y": _number(y)}
    length = {"textLength": _number(_width(text)), "lengthAdjust": "spacingAndGlyphs"}
    SubElement(parent, "text", place | length).text = text


def _width(text: str) -> float:
    return sum(_WIDE if east_asian_width(one) in "WF" else _NARROW for one in text)


def _shown(text: str) -> str:
    """On one line, without what XML cannot hold or what turns the direction of writing; shortened."""
    seen = "".join(one if category(one)[0] not in "CZ" else " " for one in text)
    seen = " ".join(seen.split())
    return seen if len(seen) <= _MOST else f"{seen[: _MOST - 1]}…"


def _number(value: float) -> str:
    return f"{value:g}" if value < 100_000 else str(round(value))
