"""What a replay has said so far, counted rule by rule."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from rule_engine.domain.execution.program import RuleBlock
from rule_engine.domain.replay.choosing import ChoosingBlock
from rule_engine.domain.replay.comparison import NotSaid, Otherwise, Said
from rule_engine.domain.replay.findings import Did, Difference, Example, ReplayFindings, RuleReplay, Would
from rule_engine.domain.replay.findings import NotSaid as NotSaidView
from rule_engine.domain.replay.recorded import EnteredStage, Recorded

SHOWN = 300
"""Characters of a reason."""


@dataclass(slots=True)
class _Told:
    """Something that is said of several items."""

    times: int = 0
    items: list[Example] = field(default_factory=list)


class _Difference(NamedTuple):
    """What was done, and would be done instead; what a block chose goes with it."""

    was: Did
    chose: str
    would: Would
    choose: str


@dataclass(slots=True)
class _OfRule:
    name: str
    block: bool = False
    change: Literal["none", "changed", "added", "removed"] = "none"
    decisions: int = 0
    otherwise: int = 0
    not_said: int = 0
    differences: dict[_Difference, _Told] = field(default_factory=dict)
    unsaid: dict[str, _Told] = field(default_factory=dict)


class Report:
    """Counts everything, and names the first `examples` items of each difference."""

    def __init__(self, examples: int) -> None:
        self._examples = examples
        self._rules: dict[tuple[str, str], _OfRule] = {}
        self._items: set[UUID] = set()

    def decision(self, one: Recorded, new: RuleBlock | None, did: Did, said: Said, *, changed: bool) -> None:
        """A recorded decision; `new` null: the version does not have the rule."""
        rule = self._rules.setdefault((one.stage, one.rule_id), _OfRule(new.name if new else one.rule))
        if changed and rule.change == "none":
            rule.change = "removed" if new is None else "changed"
        self._count(
            rule, said, did, Example(item_id=one.item_id, run_id=one.run_id, at=one.at, was=one.reason, would=None)
        )

    def choice(self, one: Recorded, new: ChoosingBlock | None, said: Said, *, changed: bool) -> None:
        """A recorded choice of a block; `new` null: the version does not have it."""
        name = new.name if new else one.rule
        block = self._rules.setdefault((one.stage, one.rule_id), _OfRule(name, block=True))
        if changed and block.change == "none":
            block.change = "removed" if new is None else "changed"
        was = one.reason if one.choice is None else one.choice
        example = Example(item_id=one.item_id, run_id=one.run_id, at=one.at, was=was, would=None)
        self._count(block, said, "failed" if one.choice is None else "chose", example, one.choice)

    def added_block(self, block: ChoosingBlock) -> None:
        """Nothing was recorded of it."""
        self._rules[block.stage, block.id] = _OfRule(block.name, block=True, change="added")

    def added(self, stage: str, rule: RuleBlock) -> None:
        self._rules.setdefault((stage, rule.rule_id), _OfRule(rule.name)).change = "added"

    def entry(self, entry: EnteredStage, stage: str, rule: RuleBlock, said: Said) -> None:
        """An entry that a new rule would have acted on."""
        example = Example(item_id=entry.item_id, run_id=None, at=entry.at, was=None, would=None)
        self._count(self._rules[stage, rule.rule_id], said, "was not there", example)

    def _count(self, rule: _OfRule, said: Said, did: Did, example: Example, chose: str | None = None) -> None:
        self._items.add(example.item_id)
        rule.decisions += 1
        match said:
            case Otherwise(would=would, why=why, choice=choice):
                rule.otherwise += 1
                told = rule.differences.setdefault(_Difference(did, chose or "", would, choice or ""), _Told())
                self._tell(told, example.model_copy(update={"would": _cut(why)}))
            case NotSaid(what=what):
                rule.not_said += 1
                for one in what:
                    self._tell(rule.unsaid.setdefault(one, _Told()), example)

    def _tell(self, told: _Told, example: Example) -> None:
        told.times += 1
        if len(told.items) < self._examples:
            told.items.append(example)

    def findings(
        self, code: str, version: int | None, span: tuple[datetime, datetime], cut: Sequence[str]
    ) -> ReplayFindings:
        rules = [_rule(*key, one) for key, one in self._rules.items()]
        rules.sort(key=lambda one: (-one.otherwise, -one.not_said, one.stage, one.rule, one.rule_id))
        counted = {name: sum(getattr(one, name) for one in rules) for name in ("decisions", "otherwise", "not_said")}
        return ReplayFindings(
            code=code,
            version=version,
            since=span[0],
            until=span[1],
            items=len(self._items),
            same=counted["decisions"] - counted["otherwise"] - counted["not_said"],
            **counted,
            rules=rules,
            cut=list(cut),
        )


def _rule(stage: str, rule_id: str, one: _OfRule) -> RuleReplay:
    differences = [
        Difference(
            was=way.was,
            chose=way.chose or None,
            would=way.would,
            choose=way.choose or None,
            times=told.times,
            items=told.items,
        )
        for way, told in sorted(one.differences.items())
    ]
    unsaid = [NotSaidView(what=what, times=told.times, items=told.items) for what, told in sorted(one.unsaid.items())]
    return RuleReplay(
        stage=stage,
        rule_id=rule_id,
        block=one.block,
        rule=one.name,
        change=one.change,
        decisions=one.decisions,
        same=one.decisions - one.otherwise - one.not_said,
        otherwise=one.otherwise,
        not_said=one.not_said,
        differences=differences,
        unsaid=unsaid,
    )


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
