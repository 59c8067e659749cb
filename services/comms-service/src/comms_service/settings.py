"""The settings of comms-service."""

from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from comms_service.gateways.mail import SmtpServer
from contracts.kit.plaintext import REMEDY, SecretUrl, is_exposed
from contracts.kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """The kit's settings and the providers' addresses."""

    smtp_url: SecretStr
    """`smtp://[user:password@]host:port` (TLS when the server offers it; `?starttls=true` demands it, `false` never
    uses it), or `smtps://…` for TLS from the first byte. With a password TLS must be demanded, as for other secrets."""
    dns_server: str | None = None
    """The resolver that is asked whose a sender's domain is, `address` or `address:port`; by default the machine's."""
    sms_url: SecretUrl
    sms_token: SecretStr
    sms_receipt_secret: SecretStr
    """A Standard Webhooks secret (`whsec_…`); receipts are signed with it."""
    public_comms_url: SecretUrl
    """Where the SMS provider reaches this service with its receipts."""
    doc_service_url: SecretUrl
    delivery_attempts: Annotated[int, Field(ge=1)] = 12
    """Tries before a message is given up; with the doubling pauses between them, twelve last about half an hour."""
    receipts_per_second: Annotated[int, Field(ge=1)] = 100
    """How many receipts one address may send."""

    @field_validator("smtp_url")
    @classmethod
    def _demand_tls_for_passwords(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        server = SmtpServer.parse(url.get_secret_value())
        sure_of_tls = server.tls or server.starttls
        if server.user and not sure_of_tls and is_exposed(server.host, info.data.get("plaintext_allowed", ())):
            way = "use smtps, or ?starttls=true"
            raise ValueError(f"the password could reach {server.host} in plain text: {way}, or {REMEDY}")
        return url
