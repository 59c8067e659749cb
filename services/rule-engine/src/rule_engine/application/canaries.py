"""Canaries: a version that a share of the items tries is compared with the one of the rest, promoted or rolled back."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from contracts.kit import worker
from contracts.kit.clock import Clock, new_id
from contracts.kit.configuration import Who, record
from contracts.kit.database import Connection, Database
from rule_engine.domain.errors import TakenError
from rule_engine.domain.execution.canaries import Counts
from rule_engine.store import Store
from rule_engine.store.canaries import Canaries, Canary, Of
from rule_engine.store.versions import Versions

CANARY = "canary"
"""The kind of the work that watches one."""
EARLIER = 20


class NoCanaryError(Exception):
    """None is tried now, or none ever was; the text says so."""


@dataclass(frozen=True, slots=True)
class NewCanary:
    """What is asked for: the share in percent, and when it is rolled back by itself."""

    share: int
    failed: float | None
    refused: float | None
    after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The newest canary with what it and the rest have come to, and those before it."""

    canary: Canary
    tried: Counts
    rest: Counts
    earlier: Sequence[Canary]


async def refuse_beside_canary(tx: Connection, of: Of) -> None:
    """Raises `TakenError` while a version is tried: nothing else is published, nor archived, meanwhile."""
    one = await Canaries().on(tx, of)
    if one is not None:
        tried = f"version {one.version} of {words(of)} is tried by {one.share} % of the items"
        raise TakenError(f"{tried}: promote it or roll it back first")


async def begin(
    tx: Connection, of: Of, versions: tuple[int, int | None], asked: NewCanary, who: Who, clock: Clock
) -> None:
    """Records a canary of a version beside the one that is in force, and has it watched. Raises `TakenError`."""
    version, base = versions
    if base is None:
        raise TakenError(f"no version of {words(of)} is published that the other items could run on: publish it")
    one = Canary(
        tenant_id=of.tenant,
        id=new_id(),
        code=of.code,
        workflow=of.workflow,
        version=version,
        base=base,
        **asdict(asked),
        started_by=who.subject,
        started_at=clock(),
    )
    await Canaries().add(tx, one)
    await record(tx, who, CANARY, of.code, None, _parts(one))
    await worker.enqueue(tx, id=one.id, tenant=of.tenant, kind=CANARY, run_at=one.started_at)


class CanaryActions:
    """What people, and the watching job, do with canaries."""

    def __init__(self, database: Database, store: Store, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._canaries = store.canaries
        self._clock = clock

    async def comparison(self, of: Of) -> Comparison:
        """Raises `NoCanaryError`."""
        async with self._database.transaction(of.tenant) as tx:
            found = await self._canaries.newest(tx, of, EARLIER)
            if not found:
                raise NoCanaryError(f"canary of {words(of)}")
            counts = await self._canaries.counts(tx, found[0])
        return compared(found[0], counts, found[1:])

    async def grow(self, of: Of, who: Who, share: int) -> None:
        """Another share of the items that enter from now on. Raises `NoCanaryError`."""
        async with self._database.transaction(of.tenant) as tx:
            one = await self._on(tx, of)
            await self._save(tx, who, one, replace(one, share=share))

    async def promote(self, of: Of, who: Who) -> None:
        """All items that enter from now on run on it. Raises `NoCanaryError`."""
        async with self._database.transaction(of.tenant) as tx:
            one = await self._on(tx, of)
            ended = replace(one, state="promoted", ended_by=who.subject, ended_at=self._clock())
            await self._versions(of).end_canary(tx, of[:2], "published", who.subject, self._clock())
            await self._save(tx, who, one, ended)

    async def roll_back(self, of: Of, who: Who, reason: str) -> None:
        """No item that enters from now on runs on it. Raises `NoCanaryError`."""
        async with self._database.transaction(of.tenant) as tx:
            await self.withdraw(tx, await self._on(tx, of), who, reason)

    async def withdraw(self, tx: Connection, one: Canary, who: Who, reason: str) -> None:
        """Rolls back one that is tried, in the caller's transaction."""
        now = self._clock()
        await self._versions(one.of).end_canary(tx, one.of[:2], "withdrawn", who.subject, now)
        ended = replace(one, state="rolled_back", ended_by=who.subject, ended_at=now, reason=reason)
        await self._save(tx, who, one, ended)

    async def _on(self, tx: Connection, of: Of) -> Canary:
        await self._versions(of).lock(tx, of[:2])
        one = await self._canaries.on(tx, of)
        if one is None:
            raise NoCanaryError(f"canary of {words(of)} that is tried now")
        return one

    async def _save(self, tx: Connection, who: Who, before: Canary, after: Canary) -> None:
        await self._canaries.save(tx, after)
        await record(tx, who, CANARY, before.code, _parts(before), _parts(after))

    def _versions(self, of: Of) -> Versions[Any, Any, Any]:
        return self._store.workflows if of.workflow else self._store.rule_sets


def compared(one: Canary, counts: dict[int, Counts], earlier: Sequence[Canary] = ()) -> Comparison:
    return Comparison(one, counts.get(one.version, Counts()), counts.get(one.base, Counts()), earlier)


def words(of: Of) -> str:
    return f"{'workflow' if of.workflow else 'rule set'} {of.code!r}"


def _parts(one: Canary) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("version", "base", "share", "failed", "refused", "after", "state")}
