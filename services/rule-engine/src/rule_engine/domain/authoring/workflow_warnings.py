"""Probable mistakes in workflows that do not block publishing."""

from collections.abc import Iterator, Sequence

from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.domain.authoring.workflow_document import (
    BlockDocument,
    WorkflowDocument,
    as_condition,
    placed_blocks,
)
from rule_engine.domain.language import conditions


def workflow_warnings(document: WorkflowDocument) -> Iterator[RuleIssue]:
    """Of a workflow without issues."""
    yield from _unreachable(document.blocks, "blocks")
    yield from _endless(document)


def _unreachable(blocks: Sequence[BlockDocument], where: str) -> Iterator[RuleIssue]:
    """What stands after the end of the workflow, and branches after one that is always true."""
    for index, block in enumerate(blocks):
        here = f"{where}[{index}]"
        if index and blocks[index - 1].ends_the_run:
            yield RuleIssue(here, block.name, f"this is never reached: {blocks[index - 1].name!r} ends the workflow")
        if block.block == "if":
            always = [n for n, one in enumerate(block.branches) if one.condition is None]
            for n in range(always[0] + 1, len(block.branches)) if always else ():
                what = "this branch is never taken: the one before it is always true"
                yield RuleIssue(f"{here}.branches[{n}]", block.name, what)
        for below, inner in block.bodies:
            yield from _unreachable(inner, f"{here}.{below}")


def _endless(document: WorkflowDocument) -> Iterator[RuleIssue]:
    """Loops whose condition names nothing that the loop, or time, can change."""
    for placed in placed_blocks(document):
        if placed.block.block == "while" and not _can_end(placed.block):
            what = "nothing in the loop changes what its condition asks for: it runs to its limit, then fails"
            yield RuleIssue(placed.where, placed.block.name, what)


def _can_end(loop: BlockDocument) -> bool:
    read = conditions.paths_of(as_condition(loop.options["condition"]))
    if any(path.split(".")[0] not in ("local", "param", "const") for path in read):
        return True
    changed = {
        name
        for inner in _inside(loop)
        if inner.block == "set_variables"
        for name in (inner.options.get("values") or {})
    }
    return any(path.startswith("local.") and path.split(".")[1] in changed for path in read)


def _inside(block: BlockDocument) -> Iterator[BlockDocument]:
    for _, inner in block.bodies:
        for one in inner:
            yield one
            yield from _inside(one)
