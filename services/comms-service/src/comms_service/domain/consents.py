"""Consents: who wants no messages, by address."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.messages.comms import ConsentSource

OPTED_OUT: Final = "opted out"


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether the owner of an address wants no messages. `version` counts what was recorded, from 1."""

    address: str
    version: int
    opted_out: bool
    source: ConsentSource
    note: str
    updated_by: str
    updated_at: datetime


def is_opted_out(record: Consent | None, stated_at: datetime | None) -> bool:
    """What is recorded of an address, or what the sender knew, whichever was stated later."""
    if stated_at is not None and (record is None or record.updated_at < stated_at):
        return True
    return record is not None and record.opted_out
