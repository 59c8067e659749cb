"""The commands of entity-service about rows of lists, on `crm.entity.commands.v1`."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, JsonValue

from contracts.messages.entity_commands import ItemCommand
from contracts.values import Code

RowValues = Annotated[dict[str, JsonValue], Field(max_length=100)]
"""Values by the codes of a list's fields; null empties one."""


class CreateListRow(ItemCommand):
    """Adds a row to a list. Outputs: `row_id`."""

    TYPE: ClassVar[str] = "crm.list_row.create.v1"

    list: Code
    values: RowValues = Field(default_factory=dict)


class UpdateListRow(ItemCommand):
    """Sets fields of a row of a list. Outputs: `row_id`, `version`."""

    TYPE: ClassVar[str] = "crm.list_row.update.v1"

    list: Code
    row_id: UUID
    values: RowValues


class ReadListRow(ItemCommand):
    """Reads a row of a list; refused for a field that the list has not.

    Outputs: `row_id`, `values` by the codes of the fields, null for empty ones.
    """

    TYPE: ClassVar[str] = "crm.list_row.read.v1"

    list: Code
    row_id: UUID
    fields: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    """None: all."""
