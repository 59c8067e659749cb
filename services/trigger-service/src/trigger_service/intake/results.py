"""Results of the commands that arrivals led to."""

from uuid import UUID

from contracts.envelope import Envelope
from contracts.kit.database import Connection
from contracts.messages.results import CommandDone, FinalResult
from trigger_service.domain.evaluation import read_result
from trigger_service.intake.arrivals import Arrivals
from trigger_service.store import arrivals


class Results:
    """Settles arrivals."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    async def settle(self, tx: Connection, message: Envelope[FinalResult]) -> None:
        """The final result of a command: the verdicts of its arrivals follow it."""
        for arrival in await arrivals.waiting_for(tx, message.tenant, message.data.command_id):
            judgement, winner = read_result(message.data, arrival.notes)
            item = arrival.item_id or _created(message.data)
            settled = arrival.model_copy(update={"trigger": winner, "item_id": item})
            await self._arrivals.conclude(tx, arrivals.update, settled, judgement, message)


def _created(result: FinalResult) -> UUID | None:
    """The item that a command made, if it made one."""
    item = result.outputs.get("item_id") if isinstance(result, CommandDone) else None
    return UUID(item) if isinstance(item, str) else None
