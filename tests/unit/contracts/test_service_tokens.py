"""When the tokens end that a service shows to others, as the files say."""

import time
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from contract.openapi import SERVICES, settings_of
from contracts.kit.service_tokens import asked, measure_service_tokens
from contracts.kit.token_files import UNUSABLE, ends_at
from contracts.service_calls import called_by
from local_stack.credentials import Credentials


def seen(called: str) -> float | None:
    return REGISTRY.get_sample_value("service_token_ends_timestamp_seconds", {"called": called})


def test_the_token_of_every_service_that_is_asked_is_measured(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    (tmp_path / "doc-service").write_text(credentials.service_token("rule-engine", "doc-service", 900))
    (tmp_path / "comms-service").write_text("no token")
    settings = settings_of("rule-engine", service_tokens_dir=tmp_path, comms_service_url="http://localhost:1")
    measure_service_tokens("rule-engine", settings)
    assert seen("doc-service") == pytest.approx(time.time() + 900, abs=60)
    assert (seen("comms-service"), seen("entity-service")) == (UNUSABLE, UNUSABLE)


def test_without_a_folder_no_token_can_be_shown() -> None:
    measure_service_tokens("comms-service", settings_of("comms-service"))
    assert seen("doc-service") == UNUSABLE


@pytest.mark.parametrize("service", SERVICES)
def test_whom_a_service_asks_is_known_by_its_settings(service: str) -> None:
    urls = {f"{called.replace('-', '_')}_url": "http://localhost:1" for called in SERVICES}
    assert list(asked(service, settings_of(service, **urls))) == list(called_by(service))


def test_a_service_whose_address_is_not_told_is_not_asked() -> None:
    assert "trigger-service" in called_by("rule-engine")
    assert "trigger-service" not in asked("rule-engine", settings_of("rule-engine"))


@pytest.mark.parametrize("text", ["", "a.b.c", "a.e30.c", "a.W10.c", "a.eyJleHAiOm51bGx9.c", "ÿ.ÿ.ÿ"])
def test_what_is_no_token_has_ended(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    assert ends_at(file) == UNUSABLE
    file.write_text(text)
    assert ends_at(file) == UNUSABLE
