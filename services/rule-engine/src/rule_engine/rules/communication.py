"""Messages to an item's client: who of them gets it, and by which channel."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import JsonValue

from contracts.contexts import CompanyContext, ContactContext, ItemContext, Part
from contracts.issues import Issue, unknown
from contracts.item_types import ItemPart
from contracts.messages.comms import SendMessage
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Failure,
    Group,
    Outputs,
    Params,
    RuleType,
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


def _recipient_of(context: ItemContext, wanted: str, addresses: Addresses) -> _Recipient | None:
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


def _nobody(context: ItemContext, wanted: str, address: str) -> Failure:
    if context.contact is None and context.company is None:
        return Failure(f"the item has neither a contact nor a company to take {address} from")
    has = "the contact has" if context.contact else "the item has no contact, and its company has"
    kind = "" if wanted == "auto" else f" of type {wanted}"
    nor = ", nor has the company" if context.contact and context.company else ""
    return Failure(f"{has} no {address.partition(' ')[2]}{kind}{nor}")


class MessageToClient[P: Params](RuleType[P]):
    """A rule that sends the client one message, by a channel of its kind."""

    group: ClassVar[Group] = "communication"
    of_parts: ClassVar[tuple[ItemPart, ...]] = ("clients",)
    needs: ClassVar[tuple[Part, ...]] = ("contacts", "company")
    names = "channels"
    outputs = SentMessage
    kind: ClassVar[Literal["email", "sms"]]
    address: ClassVar[str]
    """What the client must have, with its article."""

    @abstractmethod
    def addresses(self, client: Client) -> Iterable[tuple[str, str]]:
        """Those of the kind, each with its type."""

    @abstractmethod
    def wanted(self, params: P) -> str:
        """The type of address; `auto`: any."""

    @abstractmethod
    def content(self, params: P) -> Mapping[str, Any]:
        """What is said, as fields of `SendMessage`; the channel is one."""

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        code, channels = literal(params.get("channel")), context.elsewhere.channels
        if code is not None and channels is not None:
            known = [one.code for one in channels if one.kind == self.kind]
            if code not in known:
                yield Issue("channel", unknown(f"{self.kind} channel", code, known))

    def warnings(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        channels = context.elsewhere.channels
        if params.get("channel") is not None or channels is None:
            return
        if not any(one.kind == self.kind and one.default for one in channels):
            what = f"there is no default {self.kind} channel, so nothing is sent: make one, or name one here"
            yield Issue("channel", what)

    def act(self, params: P, acting: ActionContext) -> SendMessage | Failure:
        """Fails when the client has no such address."""
        wanted = self.wanted(params)
        recipient = _recipient_of(acting.context, wanted, self.addresses)
        if recipient is None:
            return _nobody(acting.context, wanted, self.address)
        return SendMessage(
            item_id=acting.context.item.id,
            contact_id=recipient.contact_id,
            kind=self.kind,
            to=recipient.to,
            to_name=recipient.name,
            sent_by=acting.actor,
            opted_out_at=recipient.opted_out_at,
            **self.content(params),
        )
