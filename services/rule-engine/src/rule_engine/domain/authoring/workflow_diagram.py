"""A workflow as a Mermaid flow chart: what it says is data, so nothing in a title can end a line or a label."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rule_engine.domain.authoring.workflow_document import ACTION, BlockDocument, WorkflowDocument

_SHAPES = {"if": ("{", "}"), "while": ("{", "}"), "pause": ("([", "])"), "wait_event": ("([", "])")}
_MOST = 60


def mermaid(document: WorkflowDocument) -> str:
    """`flowchart TD` and its lines."""
    chart = _Chart()
    last = chart.sequence(document.blocks, [_Open("start", "")])
    for one in last:
        chart.arrow(one, "end_")
    return "\n".join(["flowchart TD", '  start(["start"])', *chart.lines, '  end_(["end"])', ""])


@dataclass(frozen=True, slots=True)
class _Open:
    """An arrow that has begun: where, and what is written on it."""

    node: str
    label: str


@dataclass(slots=True)
class _Chart:
    lines: list[str] = field(default_factory=list)
    nodes: int = 0

    def sequence(self, blocks: Sequence[BlockDocument], before: list[_Open]) -> list[_Open]:
        """Draws blocks one after another; returns the arrows that lead on."""
        for block in blocks:
            before = self._block(block, before)
        return before

    def arrow(self, one: _Open, to: str) -> None:
        self.lines.append(f"  {one.node} -->{f'|{_text(one.label)}|' if one.label else ''} {to}")

    def _block(self, block: BlockDocument, before: list[_Open]) -> list[_Open]:
        node = f"n{self.nodes}"
        self.nodes += 1
        opening, closing = _SHAPES.get(block.block, ("[", "]"))
        self.lines.append(f"  {node}{opening}{_text(_words(block))}{closing}")
        for one in before:
            self.arrow(one, node)
        if block.ends_the_run:
            self.arrow(_Open(node, ""), "end_")
            return []
        if block.blocks:
            for one in self.sequence(block.blocks, [_Open(node, "each")]):
                self.arrow(one, node)
            return [_Open(node, "")]
        after = [one for label, inner in _branches(block) for one in self.sequence(inner, [_Open(node, label)])]
        return after + ([_Open(node, "else")] if _may_pass(block) else []) or [_Open(node, "")]


def _branches(block: BlockDocument) -> Iterator[tuple[str, Sequence[BlockDocument]]]:
    for index, one in enumerate(block.branches):
        yield one.name or str(index + 1), one.blocks


def _may_pass(block: BlockDocument) -> bool:
    return block.block == "if" and all(one.condition is not None for one in block.branches)


def _words(block: BlockDocument) -> str:
    what = str(block.options.get("type")) if block.block == ACTION else block.block
    return f"{block.title or block.name}: {what}"


def _text(written: str) -> str:
    """Quoted, with what Mermaid or HTML would read as markup written as entities."""
    shown = written if len(written) <= _MOST else f"{written[: _MOST - 1]}…"
    made = "".join(one if one.isalnum() or one in " _-.,:…" else f"#{ord(one)};" for one in shown)
    return f'"{made}"'
