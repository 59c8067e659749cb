"""What an installation says of its challenge is complete, and its secret goes nowhere in the clear."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from trigger_service.settings import Settings

COMPLETE = {"challenge": "turnstile", "challenge_site_key": "site", "challenge_secret": SecretStr("ours")}


def settings(**challenge: Any) -> Settings:
    return Settings(
        database_url=SecretStr("postgresql://nobody@localhost/none"),
        kafka_bootstrap="localhost:1",
        auth_issuer="issuer",
        auth_audience="audience",
        entity_service_url="http://localhost:1",
        secrets_key=SecretStr("A" * 43),
        **challenge,
    )


@pytest.mark.parametrize("url", [None, "https://eu.provider.example/siteverify", "http://127.0.0.1:8/siteverify"])
def test_a_complete_challenge_is_taken(url: str | None) -> None:
    assert settings(**COMPLETE, challenge_verify_url=url).challenge == "turnstile"
    assert settings().challenge is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"challenge_secret": None}, "CHALLENGE needs CHALLENGE_SITE_KEY and CHALLENGE_SECRET"),
        ({"challenge_site_key": ""}, "CHALLENGE needs CHALLENGE_SITE_KEY and CHALLENGE_SECRET"),
        (
            {"challenge_verify_url": "http://provider.example/siteverify"},
            "http to provider.example would carry secrets in plain text",
        ),
        ({"challenge": "sudoku"}, "turnstile"),
    ],
)
def test_half_a_challenge_or_one_in_the_clear_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        settings(**COMPLETE | changes)
