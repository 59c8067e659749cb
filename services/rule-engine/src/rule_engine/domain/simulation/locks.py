"""Locks of a simulated item: entity-service hands them from run to run in the same way."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class Locks:
    """Those of one item, in the order in which they were asked for: the lock and its run."""

    held: dict[UUID, UUID] = field(default_factory=dict)
    waiting: dict[UUID, UUID] = field(default_factory=dict)

    def refusal(self, run: UUID) -> str | None:
        """Why commands of a run are refused now."""
        other = next((one for one in self.held.values() if one != run), None)
        return f"the item is locked by another workflow (run {other})" if other else None

    def ask(self, lock: UUID, run: UUID) -> bool:
        """Whether it holds the item; else it waits."""
        mine = run in self.held.values()
        if lock not in self.held and not mine and (self.held or self.waiting):
            self.waiting[lock] = run
            return False
        self.held[lock] = run
        return True

    def free(self, lock: UUID) -> list[UUID]:
        """Takes back a lock; those that hold the item from now on."""
        self.held.pop(lock, None)
        self.waiting.pop(lock, None)
        if self.held or not self.waiting:
            return []
        run = next(iter(self.waiting.values()))
        granted = [one for one, its_run in self.waiting.items() if its_run == run]
        for one in granted:
            self.held[one] = self.waiting.pop(one)
        return granted
