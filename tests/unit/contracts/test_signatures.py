"""What may be a provider's secret."""

import pytest
from pydantic import SecretStr

from contracts.kit.signatures import is_secret

KEY = "c3RhZ2V3cmlnaHQtc2VjdXJpdHktdGVzdHMh"  # 27 bytes
SHORT = "dHdlbnR5LXRocmVlIGJ5dGVzIQ=="  # 19 bytes


@pytest.mark.parametrize("text", [f"whsec_{KEY}", "whsec_dHdlbnR5LXNldmVuIGJ5dGVzLCBubyBwYWQhIQ"])
def test_a_secret_is_24_bytes_or_more_with_or_without_padding(text: str) -> None:
    assert is_secret(SecretStr(text))


@pytest.mark.parametrize(
    "text", ["", "whsec_", KEY, f"whsec_{SHORT}", f"whsec_{KEY}!", f"whsec_ {KEY}", "whsec_é" + KEY]
)
def test_anything_else_is_refused(text: str) -> None:
    assert not is_secret(SecretStr(text))
