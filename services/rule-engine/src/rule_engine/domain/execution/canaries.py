"""Canaries: which items run on a version that is being tried, and when it is worse than the rest."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

PARTS = 10_000
"""Items fall into so many equal parts."""


@dataclass(frozen=True, slots=True)
class Share:
    """The version that is tried, and by how many percent of the items."""

    version: int
    percent: int

    def takes(self, tenant: UUID, code: str, item: UUID) -> bool:
        """Whether an item is among them. A growing share keeps those it had, whatever the version."""
        return part_of(tenant, code, item) < self.percent * PARTS // 100


def part_of(tenant: UUID, code: str, item: UUID) -> int:
    """The part that an item falls into: of another rule set or workflow it is another one."""
    digest = hashlib.blake2b(f"{tenant}/{code}/{item}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % PARTS


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a canary is rolled back: its rates of failures or refusals are so much above those of the rest (0.05: five
    in a hundred more), once so many of its rules have ended. Null: never because of that.
    """

    failed: float | None
    refused: float | None
    after: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What rules of one version have come to: so many ended, of them with an effect, passed over, refused, failed."""

    items: int = 0
    effects: int = 0
    skipped: int = 0
    refused: int = 0
    failed: int = 0
    done: int = 0
    """Effects, and helpers that have none."""

    @property
    def ended(self) -> int:
        return self.done + self.skipped + self.refused + self.failed

    def rate(self, number: int) -> float:
        return number / self.ended if self.ended else 0.0


def too_bad(thresholds: Thresholds, canary: Counts, rest: Counts) -> str | None:
    """Why a canary is to be rolled back; null: it may go on."""
    if canary.ended < thresholds.after:
        return None
    for what, most in (("failed", thresholds.failed), ("refused", thresholds.refused)):
        ours, theirs = canary.rate(getattr(canary, what)), rest.rate(getattr(rest, what))
        if most is not None and ours - theirs > most:
            of_both = f"{ours:.1%} of {canary.ended} rules {_VERBS[what]}, of the rest {theirs:.1%}"
            return f"{of_both}: more than {most:.1%} above"
    return None


_VERBS = {"failed": "failed", "refused": "were refused"}
