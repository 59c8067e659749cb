"""Where what is open of a run stands in another version: rules and blocks are the same by their ids.

A branch has no id: it is the one around what is open in it, else that of its name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rule_engine.domain.errors import NotMovableError
from rule_engine.domain.execution.program import AnyBlock, Block, Path, Program, RuleBlock
from rule_engine.domain.execution.state import ROOT, Execution, Frame, Note, State

ELSEWHERE = "stands inside other blocks there"


@dataclass(slots=True)
class Relocation:
    """From the places of one version to those of another. Raises `NotMovableError` where there is no place."""

    old: Program
    new: Program
    state: State
    known: Mapping[str, Path] = field(init=False)
    """Places in the new version, by the ids of rules and blocks."""
    frames: dict[int, Path] = field(init=False)
    """The new places of open frames, by step."""

    def __post_init__(self) -> None:
        self.known = {id_of(self.new.at(path)): path for path in self.new.positions_of_blocks if path}
        self.frames = {ROOT: ()}
        around = self._around()
        for step in sorted(self.state.frames.keys() - {ROOT}):
            self.frames[step] = self._place(self.state.frames[step], around)
        self._refuse_joined()

    def rule(self, one: Execution) -> Path | None:
        """The place of a rule's execution; null: the rule is not there, or not in the block that is open."""
        path = self.known.get(one.rule_id)
        if path is None or not isinstance(self.new.at(path), RuleBlock):
            return None
        parent = self.frames.get(one.parent)
        return path if parent is None or path[:-1] == parent else None

    def note(self, frame: Frame, note: Note) -> Note:
        """What a block has not been told yet, with the child that it is about."""
        if note.child is None:
            return note
        child = self.old.container(frame.path).blocks[note.child]
        place = (
            self.known.get(id_of(child)) if id_of(child) else self._branch(self.frames[frame.step], child, note.child)
        )
        if place is None or place[:-1] != self.frames[frame.step]:
            raise NotMovableError(f"something in {self._name(frame)} has just ended: try again")
        return note.to(child=place[-1])

    def _around(self) -> dict[int, Path]:
        """The new places of what is open, by the step of the frame around it."""
        open_rules = [one for one in self.state.executions.values() if one.turn]
        inside = [(one.parent, one.rule_id) for one in open_rules]
        inside += [
            (frame.parent, id_of(self.old.at(frame.path)))
            for frame in self.state.frames.values()
            if frame.parent is not None
        ]
        return {parent: self.known[id][:-1] for parent, id in inside if id in self.known}

    def _place(self, frame: Frame, around: Mapping[int, Path]) -> Path:
        assert frame.parent is not None  # noqa: S101 - only the root has none
        block, parent = self.old.container(frame.path), self.frames[frame.parent]
        place = (
            self.known.get(block.id)
            if block.id
            else around.get(frame.step) or self._branch(parent, block, frame.path[-1])
        )
        if place is None:
            raise NotMovableError(f"{self._name(frame)} is not there any more")
        found = self.new.at(place)
        if isinstance(found, RuleBlock) or found.block != block.block:
            kind = found.type if isinstance(found, RuleBlock) else found.block
            raise NotMovableError(f"{self._name(frame)} is of another type there: {kind}")
        if place[:-1] != parent or self._is_other_branch(frame, block, found):
            raise NotMovableError(f"{self._name(frame)} {ELSEWHERE}")
        return place

    def _branch(self, parent: Path, branch: AnyBlock, index: int) -> Path | None:
        """The branch of that name; one without a name where it stood."""
        names = [one.name for one in self.new.container(parent).blocks]
        if branch.name:
            return (*parent, names.index(branch.name)) if branch.name in names else None
        return (*parent, index) if index < len(names) and not names[index] else None

    def _is_other_branch(self, frame: Frame, before: Block, after: Block) -> bool:
        """Whether what is open in a branch stands in another one; a branch may have got another name."""
        if before.id or before.name == after.name:
            return False
        there = {one.name for one in self.new.container(self.frames[frame.parent or ROOT]).blocks}
        here = {one.name for one in self.old.container(frame.path[:-1]).blocks}
        return before.name in there or after.name in here

    def _refuse_joined(self) -> None:
        """Branches that were side by side are still."""
        found: dict[tuple[int | None, Path], Path] = {}
        for step, frame in self.state.frames.items():
            if found.setdefault((frame.parent, self.frames[step]), frame.path) != frame.path:
                raise NotMovableError(f"{self._name(frame)} {ELSEWHERE}")

    def _name(self, frame: Frame) -> str:
        """For people; a branch by the block that it belongs to."""
        block = self.old.container(frame.path)
        return block.name if block.id else f"a branch of {self.old.at(frame.path[:-1]).name or 'the workflow'}"


def id_of(block: AnyBlock) -> str:
    """What a rule or block is known by over versions; empty for a branch."""
    return block.rule_id if isinstance(block, RuleBlock) else block.id


def to_come(program: Program, state: State) -> set[str]:
    """The ids of rules and blocks that may begin yet."""
    return {
        id
        for frame in state.frames.values()
        for index in program.type_at(frame.path).may_begin(
            frame, begun(state, frame), len(program.container(frame.path).blocks)
        )
        for id in _ids(program.container(frame.path).blocks[index])
    }


def begun(state: State, frame: Frame) -> set[int]:
    """The children of a frame that are open, or whose end it has not been told yet."""
    inner = {one.path[-1] for one in state.frames.values() if one.parent == frame.step}
    rules = {one.path[-1] for one in state.executions.values() if one.parent == frame.step and one.turn}
    return inner | rules | {note.child for note in frame.inbox if note.child is not None}


def _ids(block: AnyBlock) -> Iterator[str]:
    yield id_of(block)
    if isinstance(block, Block):
        for inner in block.blocks:
            yield from _ids(inner)
