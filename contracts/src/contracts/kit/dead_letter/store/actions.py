"""Every statement on operators' actions, and on which replay has its turn next."""

from datetime import datetime, timedelta
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.dead_letter.action import OperatorAction, Turn
from contracts.kit.dead_letter.store import letters
from contracts.kit.http import Newest

_ALL = "id, kind, operator, started_at, reason, selection, letters, per_second, finished_at"


async def add(tx: Connection, action: OperatorAction) -> None:
    """Records an action; the first turn of one that is not finished is now."""
    await tx.execute(
        f"""INSERT INTO dead_letter_actions ({_ALL}, next_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",  # noqa: S608 - constants
        action.id,
        action.kind,
        action.operator,
        action.started_at,
        action.reason,
        action.selection,
        action.letters,
        action.per_second,
        action.finished_at,
        None if action.finished_at else action.started_at,
    )


async def find(tx: Connection, after: Newest | None, limit: int) -> list[OperatorAction]:
    """The newest first."""
    rows = await tx.fetch(
        f"""SELECT {_ALL} FROM dead_letter_actions
            WHERE $1::timestamptz IS NULL OR (started_at, id) < ($1, $2)
            ORDER BY started_at DESC, id DESC LIMIT $3""",  # noqa: S608 - constants
        after and after.at,
        after and after.id,
        limit,
    )
    return [OperatorAction(**row) for row in rows]


async def get(tx: Connection, id: UUID) -> OperatorAction | None:
    row = await tx.fetchrow(f"SELECT {_ALL} FROM dead_letter_actions WHERE id = $1", id)  # noqa: S608 - constants
    return OperatorAction(**row) if row else None


async def next_turn(tx: Connection, now: datetime, longest_s: float) -> Turn:
    """Gives the replay that is due for the longest time its next letter, and puts off its next turn.

    That is committed before the letter is replayed. So the rate holds for any number of replicas and across kills; a
    letter that was not settled is given out again.
    """
    row = await tx.fetchrow(
        """SELECT id, per_second FROM dead_letter_actions WHERE next_at <= $1
           ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED""",
        now,
    )
    if row is None:
        next_at = await tx.fetchval("SELECT min(next_at) FROM dead_letter_actions WHERE next_at > $1", now)
        return Turn(min(longest_s, (next_at - now).total_seconds()) if next_at else longest_s)
    letter = await letters.next_of(tx, row["id"])
    if letter is None:
        finish = "UPDATE dead_letter_actions SET next_at = NULL, finished_at = $2 WHERE id = $1"
        await tx.execute(finish, row["id"], now)
        return Turn()
    later = now + timedelta(seconds=1 / row["per_second"])
    await tx.execute("UPDATE dead_letter_actions SET next_at = $2 WHERE id = $1", row["id"], later)
    return Turn(letter=letter)
