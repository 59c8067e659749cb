"""When the certificates end that a service's settings name, so that somebody is told in time."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509

from contracts.kit import telemetry
from contracts.kit.settings import ServiceSettings

UNUSABLE = 0.0
"""What a file without a certificate has ended at: nothing connects with it."""


def measure_certificates(settings: ServiceSettings) -> None:
    """Sets `certificate_ends_timestamp_seconds` from the files as they are now."""
    for setting, file in certificate_files(settings):
        telemetry.CERTIFICATE_ENDS.labels(setting).set(ends_at(file, is_authority="ca" in setting))


def certificate_files(settings: ServiceSettings) -> Iterator[tuple[str, Path]]:
    """Those of Kafka, Temporal and PostgreSQL, by setting, or by the DSN's parameter."""
    for name, value in settings:
        if name.endswith(("_ca_file", "_cert_file")) and value is not None:
            yield name, value
    asked = parse_qs(urlsplit(settings.database_url.get_secret_value()).query)
    for parameter, setting in _OF_THE_DSN.items():
        for file in asked.get(parameter, ()):
            yield setting, Path(file)


_OF_THE_DSN = {"sslrootcert": "database_ca_file", "sslcert": "database_cert_file"}


def ends_at(file: Path, *, is_authority: bool) -> float:
    """Seconds since the epoch; `UNUSABLE` when nothing can be read.

    A chain ends with the first of its certificates, authorities that replace one another with the last of them.
    """
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        return UNUSABLE
    ends = [one.not_valid_after_utc.timestamp() for one in found]
    return max(ends) if is_authority else min(ends)
