"""How servers are reached, and what is shown to them: settings of every service, and of those that have more servers.

Files are read when a connection's client is made, so that certificates, passwords and tokens that are replaced before
they end are taken up without a restart.
"""

import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from contracts.kit.plaintext import REMEDY, hosts_of, is_exposed

type Mechanism = Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


class PlaintextSettings(BaseSettings):
    """What may go without TLS."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    plaintext_allowed: Annotated[tuple[str, ...], NoDecode] = ()
    """Hosts, with commas between them, to which secrets may go without TLS: only a closed network leads there."""

    @field_validator("plaintext_allowed", mode="before")
    @classmethod
    def _split_hosts(cls, value: Any) -> Any:
        return split(value)


class KafkaSettings(PlaintextSettings):
    """Kafka's brokers, and who we are there."""

    kafka_bootstrap: str
    """Brokers, `host:port` with commas between them."""
    kafka_tls: bool = False
    kafka_ca_file: Path | None = None
    """Certificates (PEM) that the brokers' must be signed by; by default those that the machine trusts."""
    kafka_cert_file: Path | None = None
    """With `kafka_key_file`, the certificate (PEM) that is shown to the brokers (mTLS)."""
    kafka_key_file: Path | None = None
    kafka_sasl: Mechanism | None = None
    kafka_user: str | None = None
    """Of SCRAM."""
    kafka_secret_file: Path | None = None
    """The password of SCRAM, or the token of OAUTHBEARER."""

    @model_validator(mode="after")
    def _kafka_is_complete(self) -> Self:
        if self.kafka_sasl is not None and self.kafka_secret_file is None:
            raise ValueError(f"KAFKA_SECRET_FILE: {self.kafka_sasl} needs it")
        if self.kafka_sasl in ("SCRAM-SHA-256", "SCRAM-SHA-512") and not self.kafka_user:
            raise ValueError(f"KAFKA_USER: {self.kafka_sasl} needs one")
        if (self.kafka_cert_file is None) != (self.kafka_key_file is None):
            raise ValueError("KAFKA_CERT_FILE: it and KAFKA_KEY_FILE need one another")
        if not self.kafka_tls and (self.kafka_ca_file or self.kafka_cert_file):
            raise ValueError("KAFKA_TLS: certificates are given, but TLS is not asked for: set it to true")
        for host in hosts_of(self.kafka_bootstrap):
            if not self.kafka_tls and is_exposed(host, self.plaintext_allowed):
                raise ValueError(
                    f"KAFKA_TLS: what goes to {host} could be read on the way: set it to true, or {REMEDY}"
                )
        return self

    def kafka_tls_context(self) -> ssl.SSLContext | None:
        return tls_context(self.kafka_ca_file, self.kafka_cert_file, self.kafka_key_file) if self.kafka_tls else None

    def kafka_secret(self) -> str:
        """As it is now in its file."""
        return read_secret(self.kafka_secret_file) if self.kafka_secret_file else ""


class DatabaseSettings(PlaintextSettings):
    """PostgreSQL, and who we are there."""

    database_url: SecretStr
    """DSN of the role `<service>_app`, which row-level security binds. For another machine: `sslmode=verify-full`."""
    database_owner_url: SecretStr | None = None
    """DSN of the role `<service>_owner`; only `migrate` needs it."""
    database_password_file: Path | None = None
    """The password of either, instead of one in the DSN."""

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _demand_verified_tls(cls, url: SecretStr | None, info: Any) -> SecretStr | None:
        parts = urlsplit(url.get_secret_value() if url else "")
        asked = parse_qs(parts.query)
        named = ",".join(filter(None, (parts.netloc.rpartition("@")[2], *asked.get("host", []))))
        for host in hosts_of(named) if named and asked.get("sslmode") != ["verify-full"] else ():
            is_socket = not host  # a folder, with which nothing leaves the machine
            if not is_socket and is_exposed(host, info.data.get("plaintext_allowed", ())):
                says = f"what goes to {host} could be read, or answered, by others on the way"
                raise ValueError(f"{says}: add ?sslmode=verify-full&sslrootcert=<file>, or {REMEDY}")
        return url

    @property
    def database_password(self) -> Callable[[], str] | None:
        """Gives the password as it is then in its file; null: the DSN has it."""
        return partial(read_secret, self.database_password_file) if self.database_password_file else None


def tls_context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """For a client that checks the server's name. Raises `OSError` for files that cannot be used."""
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert is not None:
        context.load_cert_chain(cert, key)
    return context


def read_secret(file: Path) -> str:
    """What a file holds, without a last line end. Raises `OSError`."""
    return file.read_text().rstrip("\r\n")


def split(value: Any) -> Any:
    """What a list in one variable holds."""
    return [one.strip().lower() for one in value.split(",") if one.strip()] if isinstance(value, str) else value
