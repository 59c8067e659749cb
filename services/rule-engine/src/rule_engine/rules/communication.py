"""Who of an item's clients a message goes to, and by which channel."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from contracts.contexts import CompanyContext, ContactContext, ItemContext
from contracts.issues import Issue, unknown
from rule_engine.domain.actions import (
    AuthoringContext,
    Failure,
    Outputs,
    literal,
)

type Client = ContactContext | CompanyContext
type Addresses = Callable[[Client], Iterable[tuple[str, str]]]


class SentMessage(Outputs):
    """A message that the provider accepted."""

    message_id: UUID
    sent_to: str


@dataclass(frozen=True, slots=True)
class _Recipient:
    to: str
    name: str
    contact_id: UUID | None
    opted_out_at: datetime | None


def recipient_of(context: ItemContext, wanted: str, addresses: Addresses) -> _Recipient | None:
    """The first address of the wanted type (`auto`: any) of the contact, then of the company."""
    for client in (context.contact, context.company):
        if client is None:
            continue
        for address, kind in addresses(client):
            if wanted in ("auto", kind):
                return _to(client, address)
    return None


def _to(client: Client, address: str) -> _Recipient:
    if isinstance(client, ContactContext):
        return _Recipient(address, client.name, client.id, client.opted_out_at)
    return _Recipient(address, client.title, None, None)


def nobody(context: ItemContext, wanted: str, address: str) -> Failure:
    if context.contact is None and context.company is None:
        return Failure(f"the item has neither a contact nor a company to take {address} from")
    has = "the contact has" if context.contact else "the item has no contact, and its company has"
    kind = "" if wanted == "auto" else f" of type {wanted}"
    nor = ", nor has the company" if context.contact and context.company else ""
    return Failure(f"{has} no {address.partition(' ')[2]}{kind}{nor}")


def channel_issues(kind: str, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
    code, channels = literal(params.get("channel")), context.elsewhere.channels
    if code is not None and channels is not None:
        known = [one.code for one in channels if one.kind == kind]
        if code not in known:
            yield Issue("channel", unknown(f"{kind} channel", code, known))


def default_warnings(kind: str, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
    channels = context.elsewhere.channels
    if params.get("channel") is not None or channels is None:
        return
    if not any(one.kind == kind and one.default for one in channels):
        yield Issue("channel", f"there is no default {kind} channel, so nothing is sent: make one, or name one here")
