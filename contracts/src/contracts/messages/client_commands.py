"""The commands of entity-service about the clients of items, on `crm.entity.commands.v1`."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.messages.entity_commands import FieldAssignment, ItemCommand

Assignments = Annotated[tuple[FieldAssignment, ...], Field(min_length=1, max_length=100)]
"""Of fields of `contracts.clients`."""


class UpdateContacts(ItemCommand):
    """Sets fields of contacts of an item; refused when none of them is the item's any more. Outputs: `contact_ids`."""

    TYPE: ClassVar[str] = "crm.contact.update.v1"

    contact_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=100)]
    assignments: Assignments


class UpdateCompany(ItemCommand):
    """Sets fields of the company of an item; refused when it is not the item's any more. Outputs: `company_id`."""

    TYPE: ClassVar[str] = "crm.company.update.v1"

    company_id: UUID
    assignments: Assignments


class CreateContact(ItemCommand):
    """Creates a contact because of an item. Outputs: `contact_id`."""

    TYPE: ClassVar[str] = "crm.contact.create.v1"

    assignments: Assignments
    linked: bool = True
    """Whether it becomes one of the item's contacts, behind those that there are."""


class CreateCompany(ItemCommand):
    """Creates a company because of an item. Outputs: `company_id`."""

    TYPE: ClassVar[str] = "crm.company.create.v1"

    assignments: Assignments
    linked: bool = True
    """Whether it becomes the item's company, in place of the one that there is."""
