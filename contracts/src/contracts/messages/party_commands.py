"""The commands of entity-service about what an item's clients are and own, on `crm.entity.commands.v1`."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from contracts.messages.entity_commands import ItemCommand
from contracts.requisites import AddressType, PartyKind, RequisitesTemplate


class ChangeRequisites(ItemCommand):
    """Sets requisites of a contact of an item or of its company; refused when it is not the item's any more.

    Outputs: `changed` (names of what changed).
    """

    TYPE: ClassVar[str] = "crm.requisites.change.v1"

    party: PartyKind
    party_id: UUID | None = None
    """Null: the item's first contact, or its company."""
    template: RequisitesTemplate
    address_type: AddressType = "legal"
    """Of the address that address fields are of."""
    values: Annotated[dict[str, JsonValue], Field(min_length=1, max_length=100)]
    """By `contracts.requisites.names_of` the template; null empties."""


class AddToExceptions(ItemCommand):
    """The phones and addresses of the item's client make no items any more; the client and the item are deleted.

    Outputs: `addresses` (how many there are), `contact_ids`.
    """

    TYPE: ClassVar[str] = "crm.exception.add.v1"

    which: Literal["first", "all"] = "first"
    """Of several contacts."""
