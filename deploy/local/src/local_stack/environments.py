"""The environment variables of services and peers."""

from dataclasses import dataclass
from pathlib import Path

from local_stack.addresses import SERVICES, Addresses
from local_stack.credentials import AUDIENCE, ISSUER, Credentials
from local_stack.databases import describe_database
from local_stack.ports import HOST
from local_stack.security import Security
from local_stack.servers.postgres import Postgres
from local_stack.servers.temporal import NAMESPACE


@dataclass(frozen=True, slots=True)
class Environments:
    """Environments of one stack's programs; `fonts` are for documents, where the folder is there."""

    folder: Path
    addresses: Addresses
    credentials: Credentials
    postgres: Postgres
    security: Security
    fonts: Path

    def service(self, name: str) -> dict[str, str]:
        """What every service gets, and what it needs of the outside world."""
        return {
            "HTTP_HOST": HOST,
            "HTTP_PORT": str(self.addresses.port(name)),
            "INTERNAL_PORT": str(self.addresses.port(f"{name} internal")),
            "DATABASE_URL": describe_database(self.postgres.dsn, name).app_url,
            "KAFKA_BOOTSTRAP": self.addresses.address("kafka"),
            "TEMPORAL_ADDRESS": self.addresses.address("temporal"),
            "TEMPORAL_NAMESPACE": NAMESPACE,
            "AUTH_JWKS_FILE": str(self.credentials.jwks_file),
            "AUTH_ISSUER": ISSUER,
            "AUTH_AUDIENCE": AUDIENCE,
            "SERVICE_TOKENS_DIR": str(self.credentials.service_tokens(name)),
            "OTLP_ENDPOINT": self.addresses.url("traces"),
            "PUBLIC_DOC_URL": self.addresses.url("doc-service"),
            **self._service_urls(),
            **self._outside_world(name),
            **self.security.environment(name),
        }

    def migration(self, name: str) -> dict[str, str]:
        """What `migrate` gets: the same, and the owner's way into the database."""
        return {**self.service(name), "DATABASE_OWNER_URL": describe_database(self.postgres.dsn, name).owner_url}

    def peer(self, name: str, observed: bool = False) -> dict[str, str]:
        """With `observed` there is a Zipkin to be told of spans."""
        secrets = self.credentials.secrets
        own = {
            "mail": {"SMTP_PORT": str(self.addresses.port("smtp"))},
            "sms": {"SMS_TOKEN": secrets.sms_token, "SMS_WEBHOOK_SECRET": secrets.sms_webhook_secret},
            "payments": {"PAYMENT_SECRET": secrets.payment_secret},
            "carriers": {"CARRIER_SECRET": secrets.carrier_secret},
            "traces": {"ZIPKIN_URL": self.addresses.url("zipkin")} if observed else {},
        }
        common = {"HTTP_PORT": str(self.addresses.port(name)), "PEER_FOLDER": str(self.folder / name / "data")}
        return {**common, **own.get(name, {})}

    def _service_urls(self) -> dict[str, str]:
        return {f"{name.replace('-', '_').upper()}_URL": self.addresses.internal_url(name) for name in SERVICES}

    def _outside_world(self, name: str) -> dict[str, str]:
        secrets = self.credentials.secrets
        own = {
            "entity-service": {
                "SECRETS_KEY": secrets.secrets_key,
                "PUBLIC_ENTITY_URL": self.addresses.url(name),
                "PAYMENT_PROVIDERS": "sandbox=" + self.addresses.url("payments"),
                "CARRIERS": "sandbox=" + self.addresses.url("carriers"),
            },
            "doc-service": {
                "FILES_DIR": str(self.folder / name / "files"),
                **({"FONTS_DIR": str(self.fonts)} if self.fonts.exists() else {}),
            },
            "comms-service": {
                "SMTP_URL": f"smtp://{self.addresses.address('smtp')}",
                "SMS_URL": self.addresses.url("sms"),
                "SMS_TOKEN": secrets.sms_token,
                "SMS_RECEIPT_SECRET": secrets.sms_webhook_secret,
                "PUBLIC_COMMS_URL": self.addresses.url(name),
            },
            "trigger-service": {"SECRETS_KEY": secrets.secrets_key},
        }
        return own.get(name, {})
