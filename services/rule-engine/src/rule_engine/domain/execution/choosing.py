"""How a block chooses by its conditions, and what is written down of it: what the conditions read, and found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.conditions import LeafVerdict, look_up
from contracts.texts import readable_reason
from rule_engine.domain.execution.blocks import Choice
from rule_engine.domain.execution.running import Running
from rule_engine.domain.execution.state import Frame
from rule_engine.domain.execution.step import BlockDecision
from rule_engine.domain.language.conditions import compiled
from rule_engine.domain.language.limits import quotable


@dataclass(slots=True)
class Choosing:
    """What one block has read and found since it was told something. It chooses at most once each time."""

    chose: bool = False
    seen: dict[str, Any] = field(default_factory=dict)
    leaves: list[LeafVerdict] = field(default_factory=list)
    choice: str | None = None

    def choose(self, choices: Sequence[Choice], otherwise: str, values: Mapping[str, Any]) -> int | None:
        """The first whose condition holds; those after it are not looked at. Raises what conditions do."""
        self.chose = True
        for index, one in enumerate(choices):
            if one.condition is None or self._holds(one, values):
                self.choice = one.name
                return index
        self.choice = otherwise
        return None

    def _holds(self, one: Choice, values: Mapping[str, Any]) -> bool:
        assert one.condition is not None  # noqa: S101 - asked only of those that have one
        self.seen |= {path: look_up(values, keys) for path, keys in one.reads.items()}
        verdict = compiled(one.condition)(values)
        self.leaves += verdict.leaves
        return verdict.holds

    def write_down(self, run: Running, frame: Frame, failure: str | None = None) -> None:
        """Into the journal, if the block has looked at a condition; `failure`: why it could not go on."""
        if self.chose:
            choice, reason = (None, readable_reason(failure)) if failure is not None else (self.choice, None)
            made = BlockDecision(frame.step, frame.path, choice, reason, quotable(self.seen), tuple(self.leaves))
            run.block_decisions.append(made)
