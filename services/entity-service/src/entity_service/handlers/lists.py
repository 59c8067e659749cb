"""Handles the commands about rows of lists."""

from contracts.kit.database import Connection
from contracts.kit.quotas import check
from contracts.messages.list_commands import CreateListRow, ReadListRow, UpdateListRow
from entity_service.application import Changes
from entity_service.handlers.on_item import ItemAction, Outputs, on_item
from entity_service.quotas import LIST_ROWS


class ListHandlers:
    """One method per command; each is done when its transaction is."""

    def __init__(self, changes: Changes) -> None:
        self._lists = changes.lists

    @on_item(CreateListRow)
    async def create_list_row(self, action: ItemAction[CreateListRow], tx: Connection) -> Outputs:
        await check(tx, action.tenant, LIST_ROWS)
        row = await self._lists.add(tx, action.tenant, action.data.list, action.data.values, action.actor.by)
        return {"row_id": str(row.id)}

    @on_item(UpdateListRow)
    async def update_list_row(self, action: ItemAction[UpdateListRow], tx: Connection) -> Outputs:
        data = action.data
        row = await self._lists.change(tx, action.tenant, data.list, data.row_id, data.values)
        return {"row_id": str(row.id), "version": row.version}

    @on_item(ReadListRow)
    async def read_list_row(self, action: ItemAction[ReadListRow], tx: Connection) -> Outputs:
        data = action.data
        values = await self._lists.read(tx, action.tenant, data.list, data.row_id, data.fields)
        return {"row_id": str(data.row_id), "values": values}
