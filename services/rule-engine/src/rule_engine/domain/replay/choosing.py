"""What a block has chosen by its conditions, beside what it would have chosen in another version."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contracts.budget import BudgetError, spending
from contracts.conditions import ConditionError
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.blocks import Choice
from rule_engine.domain.execution.program import Program
from rule_engine.domain.replay.comparison import NotSaid, Otherwise, Said, Same
from rule_engine.domain.replay.deciding import condition_of
from rule_engine.domain.replay.recorded import KnownValues, Recorded

GONE = "the block is not in this version, or chooses nothing by conditions there"


@dataclass(frozen=True, slots=True)
class ChoosingBlock:
    """A block that chooses by conditions, and what it has chosen when none of them holds."""

    stage: str
    id: str
    name: str
    choices: tuple[Choice, ...]
    otherwise: str


def choosing_blocks(stages: Mapping[str, Sequence[Program]]) -> dict[str, ChoosingBlock]:
    """Those of a version, by id."""
    return {one.id: one for stage, programs in stages.items() for program in programs for one in _of(stage, program)}


def _of(stage: str, program: Program) -> Iterator[ChoosingBlock]:
    for path in program.positions_of_blocks:
        if path in program.rules_by_path:
            continue
        if choices := program.choices_at(path):
            block = program.container(path)
            yield ChoosingBlock(stage, block.id, block.name, choices, program.type_at(path).otherwise)


def compared_choice(one: Recorded, old: ChoosingBlock | None, new: ChoosingBlock | None, known: KnownValues) -> Said:
    """What the block as it is in `new` would have chosen, beside what it chose as it was in `old`."""
    if new is None:
        return Otherwise("not act", GONE)
    if old is not None and (old.choices, old.otherwise) == (new.choices, new.otherwise):
        return Same()
    try:
        with spending():
            said = _chosen(new, known)
    except (BudgetError, ConditionError, ValueFailureError) as error:
        return Same() if one.choice is None else Otherwise("fail", str(error))
    return Same() if isinstance(said, Otherwise) and said.choice == one.choice else said


def _chosen(block: ChoosingBlock, known: KnownValues) -> Otherwise | NotSaid:
    """The first whose condition holds, as production chooses; and why not those before it."""
    passed = list[str]()
    for one in block.choices:
        found = condition_of(one.condition, known) if one.condition is not None else None
        if found is None or found.holds:
            return _choose(one.name, passed)
        if found.holds is None:
            return NotSaid(tuple(sorted(found.unknown)))
        passed.append(f"not {one.name}: {found.why_not}")
    return _choose(block.otherwise, passed)


def _choose(name: str, passed: Sequence[str]) -> Otherwise:
    return Otherwise("choose", "; ".join((name, *passed)), name)
