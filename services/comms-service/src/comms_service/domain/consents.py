"""Consents: who wants no messages, by address."""

from datetime import datetime
from typing import Final

from pydantic import AwareDatetime

from contracts.messages.comms import ConsentSource
from contracts.texts import Line
from contracts.values import Fields, Value

OPTED_OUT: Final = "opted out"


class ConsentFields(Fields):
    """What is stated of an address; `source` is how that was learned."""

    opted_out: bool = True
    source: ConsentSource = "operator"
    note: Line = ""


class Consent(ConsentFields, Value):
    """Whether the owner of an address wants no messages. `version` counts what was recorded, from 1."""

    address: str
    version: int = 0
    updated_by: str
    updated_at: AwareDatetime


def is_opted_out(record: Consent | None, stated_at: datetime | None) -> bool:
    """What is recorded of an address, or what the sender knew, whichever was stated later."""
    if stated_at is not None and (record is None or record.updated_at < stated_at):
        return True
    return record is not None and record.opted_out
