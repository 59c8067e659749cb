"""Concurrency keys: which run of a key goes on, which wait their turn, and which are not started."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.kit import worker
from contracts.kit.database import Connection
from contracts.kit.errors import RefusalError
from rule_engine.domain.authoring.concurrency import refusal_of
from rule_engine.domain.authoring.workflow_document import Policy
from rule_engine.store.keyed_runs import KeyedRuns, KeyOfRuns

REPLACE_RUNS = "replace_runs"
"""The kind of work that ends the runs which a later one replaces."""


class KeyInUseError(RefusalError):
    """Another run of the workflow goes on for the key, or too many wait; the text says which, for people."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new run stands: it begins, it is queued, or it is refused with a reason."""

    queued: bool = False
    refusal: str | None = None


BEGINS = Place()


async def take_place(
    tx: Connection, keyed: KeyedRuns, key: KeyOfRuns, policy: Policy, run_id: UUID, now: datetime
) -> Place:
    """Puts a new run into the line of its key, unless it is refused.

    Runs that it replaces are ended by a worker, which locks their rows: here the line is locked already.
    """
    line = await keyed.lock(tx, key)
    if run_id in line:
        return Place(queued=line[0] != run_id)
    if refusal := refusal_of(policy, key.workflow, key.key, line):
        return Place(refusal=refusal)
    await keyed.join(tx, key, run_id)
    if line and policy == "replace":
        await worker.enqueue(tx, id=run_id, tenant=key.tenant, kind=REPLACE_RUNS, run_at=now)
    return Place(queued=bool(line))
