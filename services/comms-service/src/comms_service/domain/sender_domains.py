"""Domains of senders as values: their one form, the DNS record that shows whose they are, what they cover."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from comms_service.domain.errors import UnusableError
from contracts.addresses import AddressError, mailbox

LABEL: Final = "_stagewright-challenge"
MAX_DOMAIN: Final = 253 - len(LABEL) - 1
"""Characters; with the label before it, it is still a name for DNS."""


@dataclass(frozen=True, slots=True)
class SenderDomain:
    """A domain that a tenant says is its own.

    `proven_at` is when DNS first showed it, null again once a check (the last is `checked_at`) finds the record gone.
    """

    domain: str
    challenge: str
    added_by: str
    added_at: datetime
    checked_by: str | None
    checked_at: datetime | None
    proven_at: datetime | None
    vouched_by: str | None
    vouched_at: datetime | None

    @property
    def usable(self) -> bool:
        """Whether messages may go out from its addresses and those of its subdomains."""
        return self.proven_at is not None or self.vouched_at is not None

    @property
    def record_name(self) -> str:
        return f"{LABEL}.{self.domain}"

    @property
    def record_value(self) -> str:
        return f"stagewright-domain={self.challenge}"


def normalise_domain(text: str) -> str:
    """As DNS has it: lower case, other letters than ASCII's by IDNA. Raises `UnusableError`."""
    try:
        domain = domain_of(mailbox(f"postmaster@{text.strip().removesuffix('.')}"))
    except AddressError as error:
        raise UnusableError("is no domain that mail can come from: expected the form shop.example") from error
    if len(domain) > MAX_DOMAIN:
        raise UnusableError(f"is too long: at most {MAX_DOMAIN} characters as DNS has it")
    return domain


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def covering(domain: str) -> list[str]:
    """The domain and those above it, of which it is a part; a proof for one of them is one for it."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def refusal(domain: str, known: Sequence[SenderDomain]) -> str | None:
    """Why addresses of a domain cannot send, and what to do; `known` are those of `covering(domain)` that there are."""
    if any(one.usable for one in known):
        return None
    problem = f"nobody has shown that {domain} is yours to send from"
    if not known:
        return f"{problem}: PUT /v1/sender-domains/{domain} answers with the DNS record that shows it"
    one = known[0]
    return (
        f"{problem}: set the TXT record {one.record_name} to {one.record_value!r}, "
        f"then POST /v1/sender-domains/{one.domain}/check"
    )
