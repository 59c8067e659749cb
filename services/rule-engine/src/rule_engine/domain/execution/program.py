"""What a published rule set is run from: a tree of blocks per chain.

Programs forbid unknown fields and carry a format version: they are kept for ever, and a run keeps the one it was
planned with. A chain of rules is a `sequence` of `rule` blocks; workflows will add further blocks, not a second engine.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from contracts.conditions import Condition
from contracts.contexts import Part
from rule_engine.domain.schedule.run_time import RunTime

FORMAT: Literal[1] = 1
"""The newest format that this code reads; it writes this one too."""


OnLeave = Literal["cancel", "finish", "run_now"]
OnFailure = Literal["stop", "continue"]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Retry(_Block):
    """How often, and when first, the rule is tried again after a failure that may pass; each pause doubles, up to a
    day.
    """

    times: Annotated[int, Field(ge=1, le=20)]
    after_seconds: Annotated[int, Field(ge=1, le=86400)] = 60


class RuleBlock(_Block):
    """One rule with its options."""

    block: Literal["rule"] = "rule"
    rule_id: str
    name: str
    title: str = ""
    type: str
    type_version: int = 1
    params: dict[str, JsonValue]
    run: RunTime
    condition: Condition | None = None
    on_leave: OnLeave = "cancel"
    on_failure: OnFailure = "stop"
    retry: Retry | None = None
    otherwise: bool = False
    """Acts only if the condition of the rule above was false."""
    enabled: bool = True


class SequenceBlock(_Block):
    """Blocks one after another."""

    block: Literal["sequence"] = "sequence"
    blocks: tuple[Annotated["Block", Field(discriminator="block")], ...]


Block = RuleBlock | SequenceBlock
SequenceBlock.model_rebuild()


class Program(_Block):
    """One chain of one stage. `parts` is what of an item's context its conditions and texts need; `stored` whether
    they, or its rules, use variables or constants; `stage_position` is the stage's when this was published.
    """

    format: Literal[1] = FORMAT
    stage: str
    stage_name: str
    stage_position: int = 0
    chain: int
    parts: tuple[Part, ...] = ()
    stored: bool = False
    root: SequenceBlock

    def rules(self) -> tuple[RuleBlock, ...]:
        """All rules, in order."""
        return tuple(_rules(self.root))


def _rules(block: Block) -> Iterator[RuleBlock]:
    match block:
        case RuleBlock():
            yield block
        case SequenceBlock(blocks=blocks):
            for inner in blocks:
                yield from _rules(inner)
