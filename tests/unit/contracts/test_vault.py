"""Secrets are kept so that only who has the key can read them."""

from secrets import token_urlsafe

import pytest
from pydantic import SecretStr

from contracts.kit.errors import VaultError
from contracts.kit.vault import Vault

SECRET = SecretStr("whsec_c3RhZ2V3cmlnaHQtc2VjdXJpdHktdGVzdHMh")


def vault(key: str = "A" * 43) -> Vault:
    return Vault(SecretStr(key))


def test_what_was_sealed_is_opened_with_the_same_key_and_never_sealed_alike_twice() -> None:
    once, twice = vault().seal(SECRET), vault().seal(SECRET)
    assert once != twice
    assert vault().open(once) == vault().open(twice) == SECRET
    assert SECRET.get_secret_value() not in once


def test_with_another_key_or_when_it_was_changed_it_stays_shut() -> None:
    sealed = vault().seal(SECRET)
    with pytest.raises(VaultError):
        vault(token_urlsafe(32)).open(sealed)
    head, key, nonce, text, tag = sealed.split(".")
    for changed in (f"{text[::-1]}.{tag}", f"{text}.{tag[::-1]}"):
        with pytest.raises(VaultError):
            vault().open(f"{head}.{key}.{nonce}.{changed}")
    with pytest.raises(VaultError):
        vault().open(SECRET.get_secret_value())


@pytest.mark.parametrize("key", ["", "A" * 22, "A" * 64, "not base64!", "é"])
def test_a_key_of_another_form_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        vault(key)
