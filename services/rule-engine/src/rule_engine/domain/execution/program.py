"""What a published rule set or workflow is run from: a tree of blocks.

Programs forbid unknown fields and carry a format version: they are kept for ever, and a run keeps the one it was
planned with. A chain of rules is a `sequence` of rules; what other blocks mean is said by their types (`blocks/`), to
which a program is bound when it is read.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, PrivateAttr, Tag

from contracts.conditions import Condition
from contracts.contexts import Part
from rule_engine.domain.execution.permissions import DEFAULT, Permissions
from rule_engine.domain.language import values
from rule_engine.domain.language.conditions import paths_of as paths_of_condition
from rule_engine.domain.schedule.run_time import Now, RunTime

if TYPE_CHECKING:
    from rule_engine.domain.execution.blocks import BlockType, Choice
    from rule_engine.domain.execution.state import State

FORMAT: Literal[2] = 2
"""The newest format that this code reads; it writes this one too."""


OnLeave = Literal["cancel", "finish", "run_now"]
OnFailure = Literal["stop", "continue"]
type Path = tuple[int, ...]
"""A place in the tree: the index of the block at each level."""


class UnknownBlockError(Exception):
    """A newer release wrote this program: this worker does not know one of its blocks."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Retry(_Strict):
    """How often, and when first, the rule is tried again after a failure that may pass; each pause doubles, up to a
    day.
    """

    times: Annotated[int, Field(ge=1, le=20)]
    after_seconds: Annotated[int, Field(ge=1, le=86400)] = 60


class RuleBlock(_Strict):
    """One rule with its options."""

    block: Literal["rule"] = "rule"
    rule_id: str
    name: str
    title: str = ""
    type: str
    type_version: int = 1
    params: dict[str, JsonValue]
    run: RunTime = Now()
    condition: Condition | None = None
    on_leave: OnLeave = "cancel"
    on_failure: OnFailure = "stop"
    retry: Retry | None = None
    otherwise: bool = False
    """Acts only if the condition of the rule above was false."""
    enabled: bool = True

    @cached_property
    def reads(self) -> Mapping[str, list[str]]:
        """The paths that its parameters and its condition read, dotted and as keys, sorted."""
        of_condition = paths_of_condition(self.condition) if self.condition else frozenset()
        return {path: path.split(".") for path in sorted(values.paths_of(self.params) | of_condition)}


class Block(_Strict):
    """A block around others, or one that waits; what its options mean, its type knows."""

    block: str
    id: str = ""
    """The same in later versions."""
    name: str = ""
    """Names the block in the journal, to operators, and its outputs in `steps`."""
    title: str = ""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    blocks: tuple[Annotated["AnyBlock", Discriminator(lambda one: _kind(one))], ...] = ()


type AnyBlock = Annotated[RuleBlock, Tag("rule")] | Annotated[Block, Tag("other")]


def _kind(value: Any) -> str:
    named = value.get("block", "rule") if isinstance(value, dict) else value.block
    return "rule" if named == "rule" else "other"


class Program(_Strict):
    """One chain of one stage, or a version of a workflow.

    `parts` is what of an item's context its conditions and texts need; `stored` whether they, or its rules, use
    variables or constants; `stage_position` is the stage's when this was published.
    """

    format: Literal[1, 2] = FORMAT
    stage: str = ""
    stage_name: str = ""
    stage_position: int = 0
    chain: int = 0
    workflow: str | None = None
    """The code of the workflow; null: a chain of a stage, whose rules end when the item leaves it."""
    permissions: Permissions = DEFAULT
    """Of a workflow; employees are ids."""
    constants: dict[str, JsonValue] = Field(default_factory=dict)
    """Of a workflow, beside those of its tenant."""
    parts: tuple[Part, ...] = ()
    stored: bool = False
    root: Block

    _types: Mapping[str, "BlockType[Any]"] = PrivateAttr(default_factory=dict)

    def bound(self, types: Mapping[str, "BlockType[Any]"]) -> Self:
        """The program with the types of its blocks. Raises `UnknownBlockError` for one that has no type here."""
        for block in self._containers.values():
            if block.block not in types:
                raise UnknownBlockError(f"this worker knows no block {block.block!r}")
        bound = self.model_copy()
        bound._types = types
        for known in ("_bound", "_choices", "begun"):
            bound.__dict__.pop(known, None)
        return bound

    def rules(self) -> tuple[RuleBlock, ...]:
        """All rules, in order."""
        return tuple(self.rules_by_path.values())

    @cached_property
    def rules_by_path(self) -> dict[Path, RuleBlock]:
        return dict(_rules(self.root, ()))

    @cached_property
    def positions(self) -> dict[Path, int]:
        """Of rules: how many rules stand before each."""
        return {path: position for position, path in enumerate(self.rules_by_path)}

    @cached_property
    def positions_of_blocks(self) -> dict[Path, int]:
        """Of all blocks: how many stand before each."""
        return {path: position for position, path in enumerate(_paths(self.root, ()))}

    @cached_property
    def begun(self) -> dict[tuple[tuple[bool, bool], ...], "State"]:
        """How the chain began before, by which of its rules had to wait and which had no date; kept by `begin`."""
        return {}

    @cached_property
    def _containers(self) -> dict[Path, Block]:
        return dict(_containers(self.root, ()))

    @cached_property
    def _bound(self) -> dict[Path, tuple["BlockType[Any]", BaseModel]]:
        """By place of what is no rule: its type, and its options as that reads them."""
        types = {path: self._types[block.block] for path, block in self._containers.items()}
        read = {path: type.options.model_validate(self._containers[path].options) for path, type in types.items()}
        return {path: (type, read[path]) for path, type in types.items()}

    @cached_property
    def _choices(self) -> dict[Path, "tuple[Choice, ...]"]:
        return {path: type.choices(options) for path, (type, options) in self._bound.items()}

    def at(self, path: Path) -> RuleBlock | Block:
        """The block at a place."""
        return self.rules_by_path.get(path) or self._containers[path]

    def container(self, path: Path) -> Block:
        """The block at a place that is no rule."""
        return self._containers[path]

    def type_at(self, path: Path) -> "BlockType[Any]":
        return self._bound[path][0]

    def options_at(self, path: Path) -> BaseModel:
        """The options of a block, as its type reads them."""
        return self._bound[path][1]

    def choices_at(self, path: Path) -> "tuple[Choice, ...]":
        """What a block chooses from by conditions; nothing: it chooses nothing so."""
        return self._choices[path]


def _rules(block: Block, above: Path) -> Iterator[tuple[Path, RuleBlock]]:
    for index, inner in enumerate(block.blocks):
        if isinstance(inner, RuleBlock):
            yield (*above, index), inner
        else:
            yield from _rules(inner, (*above, index))


def _paths(block: Block, above: Path) -> Iterator[Path]:
    yield above
    for index, inner in enumerate(block.blocks):
        if isinstance(inner, Block):
            yield from _paths(inner, (*above, index))
        else:
            yield (*above, index)


def _containers(block: Block, path: Path) -> Iterator[tuple[Path, Block]]:
    yield path, block
    for index, inner in enumerate(block.blocks):
        if isinstance(inner, Block):
            yield from _containers(inner, (*path, index))
