"""The rule engine's settings, from its environment."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.kit.plaintext import REMEDY, SecretUrl, hosts_of, is_exposed
from contracts.kit.servers import PlaintextSettings, read_secret
from contracts.kit.settings import ServiceSettings


class TemporalSettings(PlaintextSettings):
    """Temporal's frontend, and who we are there."""

    temporal_address: str
    """`host:port`."""
    temporal_namespace: str = "default"
    temporal_task_queue: str = "rule-engine"
    temporal_tls: bool = False
    temporal_ca_file: Path | None = None
    """Certificates (PEM) that the server's must be signed by; by default those that the machine trusts."""
    temporal_cert_file: Path | None = None
    """With `temporal_key_file`, the certificate (PEM) that is shown to the server (mTLS)."""
    temporal_key_file: Path | None = None
    temporal_api_key_file: Path | None = None
    """The key is read again every minute."""

    @model_validator(mode="after")
    def _temporal_is_complete(self) -> Self:
        host = hosts_of(self.temporal_address)[0]
        if (self.temporal_cert_file is None) != (self.temporal_key_file is None):
            raise ValueError("TEMPORAL_CERT_FILE: it and TEMPORAL_KEY_FILE need one another")
        if not self.temporal_tls and (self.temporal_ca_file or self.temporal_cert_file):
            raise ValueError("TEMPORAL_TLS: certificates are given, but TLS is not asked for: set it to true")
        if not self.temporal_tls and is_exposed(host, self.plaintext_allowed):
            raise ValueError(f"TEMPORAL_TLS: what goes to {host} could be read on the way: set it to true, or {REMEDY}")
        return self

    def temporal_api_key(self) -> str | None:
        """As it is now in its file."""
        return read_secret(self.temporal_api_key_file) if self.temporal_api_key_file else None


class Settings(ServiceSettings, TemporalSettings):
    """The kit's settings, Temporal, other services' addresses, deadlines and intervals."""

    api_only: bool = False
    """Answers requests and relays what they commit, while other processes plan, run and work."""
    entity_service_url: SecretUrl
    trigger_service_url: SecretUrl | None = None
    """Asked for triggers when a rule set is published, to find circles; without it publishing says that it did not."""
    doc_service_url: SecretUrl | None = None
    comms_service_url: SecretUrl | None = None
    """Asked for templates and channels when a rule set that names some is published; without them it says that it did
    not look.
    """
    result_deadline: timedelta = timedelta(minutes=10)
    """After so long without a final result, a command is sent again, with the same id and bytes."""
    sweep_every: timedelta = timedelta(seconds=5)
    overdue_after: timedelta = timedelta(seconds=30)
    reconcile_every: timedelta = timedelta(hours=1)
    graceful_shutdown: timedelta = timedelta(seconds=10)
    decisions_days: Annotated[int, Field(ge=1)] = 400
    """Days that decisions are kept, to explain why a rule did or did not act."""
