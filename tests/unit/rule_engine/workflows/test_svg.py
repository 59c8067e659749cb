"""The SVG drawing of workflows: whatever is nested in whatever, boxes do not overlap, and texts are inside theirs."""

from itertools import combinations, count
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from rule_engine.domain.authoring.workflow_document import WorkflowDocument, placed_blocks
from rule_engine.domain.authoring.workflow_svg import TooLargeToDrawError, svg
from support.random_workflows import DOCUMENTS, named
from support.workflows import branch, document, say

NS = "{http://www.w3.org/2000/svg}"
type Area = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def areas(root: ElementTree.Element) -> list[Area]:
    found = []
    for one in root.iter(f"{NS}rect"):
        x, y, width, height = (float(one.attrib[name]) for name in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


def texts(root: ElementTree.Element, kind: str = "title") -> list[str]:
    return [one.text or "" for one in root.iter(f"{NS}text") if one.attrib["class"] == kind]


def inside(inner: Area, outer: Area) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def apart(one: Area, other: Area) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def looked_at(made: WorkflowDocument) -> ElementTree.Element:
    root = ElementTree.fromstring(svg(made))  # noqa: S314 - our own
    boxes = areas(root)
    sheet = (0.0, 0.0, float(root.attrib["width"]), float(root.attrib["height"]))
    assert all(inside(one, sheet) for one in boxes)
    assert all(apart(a, b) or inside(a, b) or inside(b, a) for a, b in combinations(boxes, 2))
    for text in root.iter(f"{NS}text"):
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        line = (x, y - 10, x + float(text.attrib["textLength"]), y + 3)
        around = [one for one in boxes if inside((x, y, x, y), one)]
        assert inside(line, min(around, key=lambda one: one[2] - one[0])), text.text
    return root


@given(written=DOCUMENTS)
@settings(max_examples=100, deadline=None)
def test_boxes_do_not_overlap_and_every_block_is_there_once(written: list[dict[str, Any]]) -> None:
    made = document(*named(written, count()))
    root = looked_at(made)
    assert sorted(texts(root)) == sorted(one.block.name for one in placed_blocks(made))
    assert len(areas(root)) == len(texts(root))


def test_what_is_written_is_data_and_stays_in_its_box() -> None:
    hostile = [
        '</text><script>alert(1)</script>" onload="x',
        "\u202egnirts\x00 \x0b]]>&amp;",
        "長い題名" * 40,
        "\n".join(["line"] * 50),
    ]
    blocks = [say(f"a{index}", title=title) for index, title in enumerate(hostile)]
    labelled = {"block": "parallel", "name": "p", "branches": [branch(name="<b>&" * 16), branch(say("x"))]}
    source = svg(document(*blocks, labelled))
    root = looked_at(document(*blocks, labelled))
    assert {one.tag for one in root.iter()} == {f"{NS}{name}" for name in ("svg", "style", "rect", "text", "path")}
    assert "onload" not in {name for one in root.iter() for name in one.attrib}
    assert "\u202e" not in source
    assert texts(root)[0] == hostile[0][:59] + "…" if len(hostile[0]) > 60 else hostile[0]
    assert len(source) < 10_000


def test_branches_are_named_and_both_schemes_have_colours() -> None:
    condition = {"path": "item.activity_count", "op": "eq", "value": 0}
    chosen = {"block": "if", "name": "i", "branches": [branch(say("a"), condition=condition), branch(say("b"))]}
    loop = {"block": "while", "name": "w", "condition": condition, "blocks": [say("c")]}
    source = svg(document(chosen, loop))
    assert texts(looked_at(document(chosen, loop)), "label") == ["1", "otherwise", "each turn"]
    assert "prefers-color-scheme: dark" in source


def test_a_draft_that_is_too_large_or_too_deep_is_not_drawn() -> None:
    deep: dict[str, Any] = say("a")
    for level in range(25):
        deep = {"block": "parallel", "name": f"p{level}", "branches": [branch(deep)]}
    for blocks in ([say(f"a{index}") for index in range(1_001)], [deep]):
        with pytest.raises(TooLargeToDrawError, match="at most 1000 blocks, 20 deep"):
            svg(document(*blocks))
