"""The environment variables of services and peers."""

from pathlib import Path

from local_stack.addresses import SERVICES, Addresses
from local_stack.credentials import AUDIENCE, ISSUER, Credentials
from local_stack.databases import describe_database
from local_stack.ports import HOST
from local_stack.security import Security
from local_stack.servers.postgres import Postgres
from local_stack.servers.temporal import NAMESPACE


class Environments:
    """Environments of one stack's programs."""

    def __init__(
        self, folder: Path, addresses: Addresses, credentials: Credentials, postgres: Postgres, security: Security
    ) -> None:
        self._folder = folder
        self._addresses = addresses
        self._credentials = credentials
        self._postgres = postgres
        self._security = security

    def service(self, name: str) -> dict[str, str]:
        """What every service gets, and what it needs of the outside world."""
        return {
            "HTTP_HOST": HOST,
            "HTTP_PORT": str(self._addresses.port(name)),
            "INTERNAL_PORT": str(self._addresses.port(f"{name} internal")),
            "DATABASE_URL": describe_database(self._postgres.dsn, name).app_url,
            "KAFKA_BOOTSTRAP": self._addresses.address("kafka"),
            "TEMPORAL_ADDRESS": self._addresses.address("temporal"),
            "TEMPORAL_NAMESPACE": NAMESPACE,
            "AUTH_JWKS_FILE": str(self._credentials.jwks_file),
            "AUTH_ISSUER": ISSUER,
            "AUTH_AUDIENCE": AUDIENCE,
            "SERVICE_TOKENS_DIR": str(self._credentials.service_tokens(name)),
            "OTLP_ENDPOINT": self._addresses.url("traces"),
            "PUBLIC_DOC_URL": self._addresses.url("doc-service"),
            **self._service_urls(),
            **self._outside_world(name),
            **self._security.environment(name),
        }

    def migration(self, name: str) -> dict[str, str]:
        """What `migrate` gets: the same, and the owner's way into the database."""
        return {**self.service(name), "DATABASE_OWNER_URL": describe_database(self._postgres.dsn, name).owner_url}

    def peer(self, name: str, observed: bool = False) -> dict[str, str]:
        """With `observed` there is a Zipkin to be told of spans."""
        secrets = self._credentials.secrets
        own = {
            "mail": {"SMTP_PORT": str(self._addresses.port("smtp"))},
            "sms": {"SMS_TOKEN": secrets.sms_token, "SMS_WEBHOOK_SECRET": secrets.sms_webhook_secret},
            "payments": {"PAYMENT_SECRET": secrets.payment_secret},
            "carriers": {"CARRIER_SECRET": secrets.carrier_secret},
            "traces": {"ZIPKIN_URL": self._addresses.url("zipkin")} if observed else {},
        }
        common = {"HTTP_PORT": str(self._addresses.port(name)), "PEER_FOLDER": str(self._folder / name / "data")}
        return {**common, **own.get(name, {})}

    def _service_urls(self) -> dict[str, str]:
        return {f"{name.replace('-', '_').upper()}_URL": self._addresses.internal_url(name) for name in SERVICES}

    def _outside_world(self, name: str) -> dict[str, str]:
        secrets = self._credentials.secrets
        own = {
            "entity-service": {
                "SECRETS_KEY": secrets.secrets_key,
                "PUBLIC_ENTITY_URL": self._addresses.url(name),
                "PAYMENT_PROVIDERS": "sandbox=" + self._addresses.url("payments"),
                "CARRIERS": "sandbox=" + self._addresses.url("carriers"),
            },
            "doc-service": {"FILES_DIR": str(self._folder / name / "files")},
            "comms-service": {
                "SMTP_URL": f"smtp://{self._addresses.address('smtp')}",
                "SMS_URL": self._addresses.url("sms"),
                "SMS_TOKEN": secrets.sms_token,
                "SMS_RECEIPT_SECRET": secrets.sms_webhook_secret,
                "PUBLIC_COMMS_URL": self._addresses.url(name),
            },
            "trigger-service": {"SECRETS_KEY": secrets.secrets_key},
        }
        return own.get(name, {})
