"""Which of several employees is chosen."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entity_service.domain.employees import Employee
from entity_service.domain.errors import ConflictError


@dataclass(frozen=True, slots=True)
class Candidate:
    """An employee who can be chosen. `at_work` null: it is not tracked."""

    employee: Employee
    absent_until: datetime | None = None
    at_work: bool | None = None


def left_of(
    candidates: Sequence[Candidate], *, skip_absent: bool, skip_not_at_work: bool = False
) -> tuple[Candidate, ...]:
    """Those who are not passed over."""
    return tuple(
        one
        for one in candidates
        if not (skip_absent and one.absent_until) and not (skip_not_at_work and one.at_work is False)
    )


def nobody_left(candidates: Collection[Candidate]) -> ConflictError:
    """Says why none of them can be chosen."""
    if not candidates:
        return ConflictError("nobody is left to choose: none of those who are named works here any more")
    reasons = "; ".join(map(_why_passed_over, list(candidates)[:10]))
    return ConflictError(f"nobody is left to choose: {reasons}")


def _why_passed_over(one: Candidate) -> str:
    if one.absent_until:
        return f"{one.employee.code} is absent until {one.absent_until:%Y-%m-%d %H:%M} UTC"
    return f"{one.employee.code} has not started work"


def next_in_turn(everybody: Sequence[Candidate], left: Sequence[Candidate], last: UUID | None) -> Candidate:
    """The first of those who are left behind the last one who had a turn; after the end it begins again."""
    ids = [one.employee.id for one in everybody]
    begin = ids.index(last) + 1 if last in ids else 0
    return next(one for one in (*everybody[begin:], *everybody[:begin]) if one in left)
