"""Values that several messages carry."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from contracts.issues import Written
from contracts.texts import ONE_LINE

CODE = r"^[a-z0-9][a-z0-9_-]{0,63}$"
Code = Annotated[str, Written(CODE, "a code: small letters, digits, - and _, such as new_lead")]
"""An author-given name of something configurable: lower case letters, digits, `_`, `-`; unique in its tenant."""
Currency = Annotated[str, Written(r"^[A-Z]{3}$", "a currency of ISO 4217 such as EUR")]
Country = Annotated[str, Written(r"^[A-Z]{2}$", "a country of ISO 3166 such as DE")]

Link = Annotated[
    str, Written(r"^https?://[^\s\x00-\x1f\x7f]{1,1990}$", "a web address such as https://example.org/plan")
]

MAX_NUMBER = 10**15
"""The largest number of a field, and the largest amount in minor units: doubles and bigints hold it exactly."""

MIN_NUMBER = 1e-30
"""The smallest number beside 0: what is closer to it, rules do not read."""


def ordinary(number: float) -> float:
    """The number of a field, as it is; raises ValueError for one that others could not read."""
    if not abs(number) <= MAX_NUMBER:
        raise ValueError(f"is a number between -{MAX_NUMBER} and {MAX_NUMBER}")
    if 0 < abs(number) < MIN_NUMBER:
        raise ValueError(f"is too close to 0: write 0, or a number of at least {MIN_NUMBER}")
    return number


OF_EMPLOYEE = "the id of an employee"
EmployeeId = Annotated[UUID, OF_EMPLOYEE]
"""Marked, so that authors' tools know where an employee's code may stand for the id."""

ItemKind = Annotated[str, Written(CODE, "an item type: lead, deal, quote, invoice, or the code of one of your own")]
"""The type of an item, by its code; `contracts.item_types` says which there are."""
Origin = Literal["user", "rule", "trigger", "intake", "import"]
PlannedKind = Literal["activity", "call", "meeting"]
"""What employees plan to do about items."""

TaxRounding = Literal["per_rate", "per_row"]
"""Where tax is rounded to minor units: once for each tax rate, or in each product row; see `contracts.taxes`."""


class Value(BaseModel):
    """A frozen value inside messages; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Money(Value):
    """An amount in minor units (cents) of an ISO 4217 currency."""

    amount: int
    currency: Currency


class FileRef(Value):
    """A file that doc-service keeps; immutable, read at `/internal/files/{file_id}`."""

    file_id: UUID
    name: Annotated[str, ONE_LINE]
    sha256: Annotated[str, Written(r"^[0-9a-f]{64}$", "a SHA-256 sum: 64 digits from 0 to f")]
    media_type: Annotated[str, ONE_LINE] = "application/octet-stream"


class Fields(BaseModel):
    """The fields of a noun, written once for its input, its command and its record.

    Those say what becomes of unknown fields: inputs refuse them, messages and records ignore them.
    """

    model_config = ConfigDict(frozen=True)


class ItemFields(Fields):
    """What can be said of an item at any time."""

    responsible_id: EmployeeId | None = None
    observer_ids: tuple[EmployeeId, ...] = ()
    """Who is told of the item, and does not work on it."""
    contact_ids: tuple[UUID, ...] = ()
    company_id: UUID | None = None
    amount: Money | None = None
    source: str | None = None
    fields: dict[str, JsonValue] = Field(default_factory=dict)
    """Custom fields by code."""


class ItemSnapshot(ItemFields, Value):
    """An item's own fields at one version. Clients, products and people come from the context, not from here."""

    id: UUID
    kind: ItemKind
    title: str
    pipeline: str
    stage: str
    version: int
    entry_seq: int
    tax_rounding: TaxRounding = "per_rate"
    """Of the product rows: as the tenant had it when they were written, so that what was offered stays as it is."""
    activity_count: int = 0
    created_at: AwareDatetime
    updated_at: AwareDatetime


class PersonInput(Value):
    """Somebody who turned up: what is known of a client to be found or created."""

    first_name: str = ""
    last_name: str = ""
    phone: str | None = None
    email: str | None = None
