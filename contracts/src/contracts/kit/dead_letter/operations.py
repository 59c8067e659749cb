"""What operators of the platform do with dead letters and parked outbox rows; each action is recorded."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from contracts.kit.clock import Clock, new_id
from contracts.kit.database import Connection, Database
from contracts.kit.dead_letter.action import ActionKind, OperatorAction
from contracts.kit.dead_letter.letter import DeadLetter, Selection
from contracts.kit.dead_letter.store import actions, letters, parked_rows
from contracts.kit.http import Problem, conflict, not_found


class Operations:
    """Records actions; the replayer, which `wake` notifies, replays.

    All or nothing: raises 404 or 409 when one of the dead letters named by id cannot be had.
    """

    def __init__(self, database: Database, clock: Clock, wake: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake

    async def replay(
        self, operator: str, reason: str, chosen: Selection, asked: dict[str, Any], per_second: float
    ) -> OperatorAction:
        """Marks those chosen that are open to be replayed. `asked` is the choice as JSON, for the audit."""
        begun = replace(self._begin("replay", operator, reason, asked), per_second=per_second)
        async with self._database.delivery() as tx:
            marked = await letters.mark(tx, chosen, begun.id)
            await _refuse_others(tx, chosen, marked)
            action = replace(begun, letters=len(marked), finished_at=None if marked else begun.started_at)
            await actions.add(tx, action)
        self._wake()
        return action

    async def discard(self, operator: str, reason: str, chosen: Selection, asked: dict[str, Any]) -> OperatorAction:
        """Settles those chosen that are open. `asked` is the choice as JSON, for the audit."""
        begun = self._begin("discard", operator, reason, asked)
        async with self._database.delivery() as tx:
            discarded = await letters.discard(tx, chosen, begun.id, begun.started_at)
            await _refuse_others(tx, chosen, discarded)
            action = replace(begun, letters=len(discarded), finished_at=begun.started_at)
            await actions.add(tx, action)
        return action

    async def release(self, operator: str, reason: str, id: int) -> OperatorAction:
        """Lets the relay try a parked outbox row again. Raises 404 when no row of that id is parked."""
        begun = self._begin("release", operator, reason, {"outbox": id})
        action = replace(begun, finished_at=begun.started_at)
        async with self._database.delivery() as tx:
            if not await parked_rows.release(tx, id):
                raise not_found(f"parked outbox row {id}")
            await actions.add(tx, action)
        return action

    def _begin(self, kind: ActionKind, operator: str, reason: str, asked: dict[str, Any]) -> OperatorAction:
        return OperatorAction(
            id=new_id(), kind=kind, operator=operator, started_at=self._clock(), reason=reason, selection=asked
        )


async def _refuse_others(tx: Connection, chosen: Selection, taken: list[UUID]) -> None:
    for id in set(chosen.ids or ()) - set(taken):
        raise _refusal(id, await letters.get(tx, id))


def _refusal(id: UUID, letter: DeadLetter | None) -> Problem:
    if letter is None:
        return not_found(f"dead letter {id}")
    if letter.state == "open":
        return conflict(
            f"dead letter {id} can only be discarded: the bytes at {letter.topic}, partition {letter.partition}, "
            f"offset {letter.offset} are no record that can be read"
        )
    return conflict(
        f"dead letter {id} is {letter.state} since action {letter.action_id}; "
        "only open ones can be replayed or discarded"
    )
