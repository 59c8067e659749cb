"""How contacts and companies keep phone numbers and e-mail addresses, and are looked up by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from contracts.contexts import CompanyContext, ContactContext, Email, Phone


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFilter:
    """What a list of clients is narrowed to; addresses in their one form."""

    phone: str | None = None
    email: str | None = None

    def values(self) -> tuple[Any, Any]:
        return having("number", self.phone), having("address", self.email)


def having(name: str, value: str | None) -> list[dict[str, str]] | None:
    """What a column of addresses contains that has this one; null without one."""
    return [{name: value}] if value else None


def first_ones(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "phone": row["phones"][0]["number"] if row["phones"] else None,
        "email": row["emails"][0]["address"] if row["emails"] else None,
    }


def columns_of(client: ContactContext | CompanyContext) -> dict[str, Any]:
    return {"phones": _dumped(client.phones), "emails": _dumped(client.emails)}


def _dumped(addresses: Sequence[Phone | Email]) -> list[dict[str, Any]]:
    return [address.model_dump() for address in addresses]
