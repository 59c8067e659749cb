"""What differs between two versions of a workflow, said block by block and field by field."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rule_engine.domain.authoring.diff import Kind, differing, reordered, shown
from rule_engine.domain.authoring.workflow_document import BlockDocument, WorkflowDocument


@dataclass(frozen=True, slots=True)
class BlockChange:
    """One difference; `block` is the name in the later version, or in the earlier one if it was removed."""

    kind: Kind
    block: str | None
    field: str | None
    before: Any
    after: Any
    what: str


@dataclass(frozen=True, slots=True)
class _Placed:
    place: str
    """`the workflow`, or a block and one of its branches."""
    index: int
    block: BlockDocument


def workflow_changes(before: WorkflowDocument, after: WorkflowDocument) -> list[BlockChange]:
    """Every difference. A block is the same one when its id is, whatever its name and place."""
    return [*_of_whole(before, after), *_of_blocks(_by_id(before), _by_id(after))]


def _by_id(document: WorkflowDocument) -> dict[str, _Placed]:
    return {str(one.block.id or one.block.name): one for one in _placed(document.blocks, "the workflow")}


def _placed(blocks: tuple[BlockDocument, ...], place: str) -> Iterator[_Placed]:
    for index, block in enumerate(blocks):
        yield _Placed(place, index, block)
        yield from _placed(block.blocks, f"{block.name}")
        for number, branch in enumerate(block.branches, start=1):
            yield from _placed(branch.blocks, f"{block.name}, branch {branch.name or number}")


def _of_whole(before: WorkflowDocument, after: WorkflowDocument) -> Iterator[BlockChange]:
    old, new = (one.model_dump(mode="json", by_alias=True, exclude={"blocks"}) for one in (before, after))
    for field, one, other in differing("", old, new):
        what = f"{field} is {shown(other)}, before {shown(one)}"
        yield BlockChange("changed", None, field, one, other, what)


def _of_blocks(before: dict[str, _Placed], after: dict[str, _Placed]) -> Iterator[BlockChange]:
    moved = reordered(*({id: (one.place, one.index) for id, one in some.items()} for some in (before, after)))
    for id, old in before.items():
        if id not in after:
            what = f"{old.place}: {old.block.name!r} ({old.block.block}) is removed"
            yield BlockChange("removed", old.block.name, None, _own(old.block), None, what)
    for id, new in after.items():
        if id not in before:
            what = f"{new.place}: {new.block.name!r} ({new.block.block}) is added"
            yield BlockChange("added", new.block.name, None, None, _own(new.block), what)
        else:
            yield from _of_block(before[id], new, id in moved)


def _of_block(old: _Placed, new: _Placed, reordered: bool) -> Iterator[BlockChange]:
    name = new.block.name
    if old.place != new.place:
        what = f"{new.place}: {name!r} was moved here from {old.place}"
        yield BlockChange("moved", name, "place", old.place, new.place, what)
    elif reordered:
        what = f"{new.place}: {name!r} is number {new.index + 1}, before {old.index + 1}"
        yield BlockChange("moved", name, "position", old.index + 1, new.index + 1, what)
    for field, one, other in differing("", _own(old.block), _own(new.block)):
        what = f"{name!r}: {field} is {shown(other)}, before {shown(one)}"
        yield BlockChange("changed", name, field, one, other, what)


def _own(block: BlockDocument) -> dict[str, Any]:
    """A block without those inside it."""
    whole = block.model_dump(mode="json", by_alias=True, exclude={"id", "blocks"})
    branches = [{name: one for name, one in branch.items() if name != "blocks"} for branch in whole["branches"]]
    return whole | {"branches": branches}
