"""What comms-service is told by its environment."""

from typing import Annotated

from pydantic import Field, SecretStr

from contracts.kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """The kit's settings and the providers' addresses."""

    smtp_url: SecretStr
    """`smtp://[user:password@]host:port` (TLS when the server offers it; `?starttls=true` demands it, `false` never
    uses it), or `smtps://…` for TLS from the first byte."""
    dns_server: str | None = None
    """The resolver that is asked whose a sender's domain is, `address` or `address:port`; by default the machine's."""
    sms_url: str
    sms_token: SecretStr
    sms_receipt_secret: SecretStr
    """A Standard Webhooks secret (`whsec_…`); receipts are signed with it."""
    public_comms_url: str
    """Where the SMS provider reaches this service with its receipts."""
    doc_service_url: str
    delivery_attempts: Annotated[int, Field(ge=1)] = 12
    """Tries before a message is given up; with the doubling pauses between them, twelve last about half an hour."""
    receipts_per_second: Annotated[int, Field(ge=1)] = 100
    """How many receipts one address may send."""
