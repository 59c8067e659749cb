"""What makes a stack a secured one: Kafka with TLS on both sides, passwords (SCRAM) and access lists for the services.

The tools of the stack itself go by the plain listener, which is for this machine alone. PostgreSQL and Temporal have no
TLS: those of the wheels are built or started without it.
"""

import os
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe

from local_stack.addresses import SERVICES
from local_stack.ports import HOST
from local_stack.servers.kafka import Secured

_LASTS = timedelta(days=365)
_BROKER = "kafka"


class Security:
    """Keys, certificates and passwords below one folder; the stack is secured if it is there."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port

    @property
    def present(self) -> bool:
        return self._folder.exists()

    def prepare(self) -> None:
        """Makes all of it, once."""
        if self.present:
            return
        from local_stack.certificates import Authority  # with cryptography, slow to import

        made = self._folder.with_suffix(".partial")
        made.mkdir(parents=True, mode=0o700)
        authority = Authority(made, lasts=_LASTS)
        certificate, key = authority.sign(_BROKER)
        key.write_bytes(key.read_bytes() + certificate.read_bytes())
        for service in SERVICES:
            authority.sign(service)
            (made / f"{service}.password").write_text(token_urlsafe(24))
        os.rename(made, self._folder)

    def kafka(self) -> Secured | None:
        """The listener for services."""
        if not self.present:
            return None
        passwords = {service: self._file(service, "password").read_text() for service in SERVICES}
        return Secured(self._port, self._file(_BROKER, "key"), self._trusted, passwords, authorized=True)

    def environment(self, service: str) -> dict[str, str]:
        """What a service shows to the broker."""
        if not self.present:
            return {}
        return {
            "KAFKA_BOOTSTRAP": f"{HOST}:{self._port}",
            "KAFKA_TLS": "true",
            "KAFKA_CA_FILE": str(self._trusted),
            "KAFKA_CERT_FILE": str(self._file(service, "pem")),
            "KAFKA_KEY_FILE": str(self._file(service, "key")),
            "KAFKA_SASL": "SCRAM-SHA-512",
            "KAFKA_USER": service,
            "KAFKA_SECRET_FILE": str(self._file(service, "password")),
        }

    @property
    def _trusted(self) -> Path:
        return self._file("authority", "pem")

    def _file(self, name: str, kind: str) -> Path:
        return self._folder / f"{name}.{kind}"
