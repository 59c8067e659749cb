"""The settings that every service reads from its environment, once, in `main`; secrets have no defaults."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from contracts.kit.plaintext import SecretUrl
from contracts.kit.servers import DatabaseSettings, KafkaSettings, split


class ServiceSettings(KafkaSettings, DatabaseSettings):
    """Read from environment variables of the same names in upper case. A service adds its own in a subclass."""

    http_host: str = "127.0.0.1"
    http_port: int = 8000
    """Where people and strangers ask: `/v1` and what is open to strangers. A cluster exposes this port alone."""
    internal_port: int = 8001
    """Where other services, the platform's people, probes and scrapers ask: `/internal`, `/health`, `/metrics`."""
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    """Networks, with commas between them, whose `X-Forwarded-For` is believed."""
    database_pool: Annotated[int, Field(ge=2, le=100)] = 10
    auth_jwks_file: Path | None = None
    auth_jwks_url: SecretUrl | None = None
    auth_issuer: str
    auth_audience: str
    service_tokens_dir: Path | None = None
    """Where the platform puts this service's bearer tokens: for each service that it asks, a file of that name.

    They are read again at every use, since they end and are renewed.
    """
    otlp_endpoint: str | None = None
    log_level: str = "INFO"
    drain_s: float = 20
    """How long work under way may take to end after SIGTERM."""
    inbox_days: Annotated[int, Field(ge=2)] = 9
    """How long messages are remembered; longer than the retention of any topic."""
    idempotency_days: Annotated[int, Field(ge=1)] = 7
    """For how long the same `Idempotency-Key` gets the first answer again; after that it is a new key."""
    configuration_days: Annotated[int, Field(ge=30)] = 1100
    """How long the record of configuration changes is kept: three years."""
    wedged_s: float = 300
    """A consumer that neither finishes a batch nor waits for a server for so long ends its process."""
    lease_s: Annotated[float, Field(ge=1)] = 60
    """How long the work of a process that was killed is left alone before another takes it up."""

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: Any) -> Any:
        return split(value)

    @model_validator(mode="after")
    def _two_listeners(self) -> Self:
        if self.http_port == self.internal_port:
            raise ValueError(f"INTERNAL_PORT: {self.internal_port} is HTTP_PORT too; give it a port of its own")
        return self
