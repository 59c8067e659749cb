"""The tenant's accounts at providers: of payments, and carriers; and what is asked of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from contracts.texts import Line, Name
from contracts.values import Code, Fields, Link, Value

AccountKind = Literal["payment", "carrier"]
Action = Literal["create_payment_link", "create_shipment", "allow_delivery", "cancel_shipment"]

WORK: Mapping[AccountKind, str] = {"payment": "ask_payment_provider", "carrier": "ask_carrier"}
"""The kinds of work: each has workers of its own, so that the outage of one kind of provider delays no other."""


class AccountFields(Fields):
    """What is said of an account. An archived one is asked for nothing; what it reports still counts."""

    name: Name
    provider: Code | None = None
    """Which of the providers that the installation knows; null for one that reports payments and is asked for none."""
    archived: bool = False


class Account(AccountFields, Value):
    """An account as it is kept: `secret` is sealed, `token` is the address that the provider calls."""

    tenant_id: UUID
    kind: AccountKind
    code: Code
    secret: str
    token: str


@dataclass(frozen=True, slots=True)
class Request:
    """Something that a command wants of a provider; its id is the command's."""

    tenant: UUID
    id: UUID
    action: Action
    subject_id: UUID
    """The payment or shipment that it is about."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent to the provider. It does what has the same `key` once, however often it is asked."""

    account: Account
    path: str
    key: str
    body: Mapping[str, JsonValue]


class Answer(BaseModel):
    """What a provider answers: its own id, and what else it knows."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[Line, Field(min_length=1)]
    link: Link | None = None
    tracking: Line | None = None
