"""When certificates end, as the files say that settings name."""

import time
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from contracts.kit.certificates import UNUSABLE, ends_at, measure_certificates
from contracts.kit.settings import ServiceSettings
from local_stack.certificates import DAY, Authority


def seen(setting: str) -> float | None:
    return REGISTRY.get_sample_value("certificate_ends_timestamp_seconds", {"setting": setting})


def test_every_certificate_that_settings_name_is_measured(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.sign("probe")
    settings = ServiceSettings.model_validate(
        {
            "kafka_bootstrap": "kafka.example.com:9093",
            "kafka_tls": True,
            "kafka_ca_file": authority.file,
            "kafka_cert_file": certificate,
            "kafka_key_file": key,
            "database_url": f"postgresql://db.example.com/x?sslmode=verify-full&sslrootcert={tmp_path / 'gone.pem'}",
            "auth_issuer": "x",
            "auth_audience": "x",
        }
    )
    measure_certificates(settings)
    tomorrow = time.time() + DAY.total_seconds()
    assert seen("kafka_ca_file") == pytest.approx(tomorrow, abs=60)
    assert seen("kafka_cert_file") == pytest.approx(tomorrow, abs=60)
    assert (seen("database_ca_file"), seen("database_cert_file")) == (UNUSABLE, None)


def test_a_chain_ends_with_its_first_certificate_and_authorities_with_their_last(tmp_path: Path) -> None:
    several, old, new = tmp_path / "several.pem", Authority(tmp_path, "old", DAY), Authority(tmp_path, "new", 2 * DAY)
    several.write_bytes(old.file.read_bytes() + new.file.read_bytes())
    assert ends_at(several, is_authority=True) == ends_at(new.file, is_authority=True)
    assert ends_at(several, is_authority=False) == ends_at(old.file, is_authority=False)
    several.write_text("no certificate")
    assert ends_at(several, is_authority=False) == UNUSABLE
