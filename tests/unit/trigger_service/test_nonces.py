"""A nonce says when its form was opened, and nobody but this service can say so."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from trigger_service.domain.errors import NonceError, TooSoonError
from trigger_service.gateways.nonces import Nonces

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = "A" * 43
ANOTHER_KEY = "B" * 42 + "A"
NONCES = Nonces(SecretStr(KEY), timedelta(seconds=3), timedelta(hours=1))


def test_a_nonce_can_be_used_from_its_least_to_its_greatest_age_and_is_the_same_all_the_time() -> None:
    nonce = NONCES.issue("order", NOW)
    read = {NONCES.read("order", nonce, NOW + age) for age in (timedelta(seconds=3), timedelta(hours=1))}
    assert len(read) == 1
    assert NONCES.read("order", NONCES.issue("order", NOW), NOW + timedelta(minutes=1)) not in read


def test_a_nonce_that_is_too_young_says_how_long_to_wait() -> None:
    with pytest.raises(TooSoonError, match="very soon after the form was opened: send it again in 2 s") as refused:
        NONCES.read("order", NONCES.issue("order", NOW), NOW + timedelta(seconds=1, milliseconds=500))
    assert refused.value.wait_s == 2


@pytest.mark.parametrize(
    ("form", "nonce", "reason"),
    [
        ("order", NONCES.issue("order", NOW - timedelta(hours=2)), "was open for too long"),
        ("order", NONCES.issue("another", NOW - timedelta(minutes=1)), "was not opened here first"),
        ("order", NONCES.issue("order", NOW - timedelta(minutes=1))[:-4] + "AAAA", "was not opened here first"),
        (
            "order",
            Nonces(SecretStr(ANOTHER_KEY), timedelta(0), timedelta(hours=1)).issue("order", NOW - timedelta(minutes=1)),
            "was not opened here first",
        ),
        ("order", "made-up", "was not opened here first"),
        ("order", "eyJhbGciOiJub25lIn0.e30.", "was not opened here first"),
        ("order", None, "was not opened here first"),
    ],
)
def test_another_nonce_is_refused_and_a_page_gets_a_new_one(form: str, nonce: str | None, reason: str) -> None:
    with pytest.raises(NonceError, match=reason):
        NONCES.read(form, nonce, NOW)
    new = NONCES.renewed(form, nonce, NOW)
    assert new != nonce
    assert NONCES.read(form, new, NOW + timedelta(minutes=1))


def test_a_page_keeps_a_nonce_that_only_has_to_grow_older() -> None:
    nonce = NONCES.issue("order", NOW)
    assert NONCES.renewed("order", nonce, NOW) == nonce
