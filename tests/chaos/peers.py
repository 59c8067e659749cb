"""What was delivered: as the mail server and the SMS provider list it."""

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.callers import Caller, Json


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that came; `key` is a mail's Message-ID or what an SMS was sent with, and names the command."""

    where: str
    key: str
    text: str

    @property
    def command(self) -> str:
        return self.key.strip("<>").partition(".")[0]


async def read_deliveries(anybody: Caller) -> list[Delivery]:
    """In order of arrival, mails first; a mail may be there twice."""
    mails: list[Json] = await anybody.get("mail", "/mails")
    messages: list[Json] = await anybody.get("sms", "/messages")
    return [
        *(Delivery("mails", one["message_id"], one["subject"]) for one in mails),
        *(Delivery("SMS", one["key"], one["text"]) for one in messages),
    ]


def once(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Without mails that came again: killed between the mail server's 250 and our commit, which SMTP cannot exclude."""
    mails = {one.key: one for one in deliveries if one.where == "mails"}
    return [*mails.values(), *(one for one in deliveries if one.where != "mails")]


def redelivered(deliveries: Sequence[Delivery]) -> int:
    """How many mails came again."""
    return len(deliveries) - len(once(deliveries))
