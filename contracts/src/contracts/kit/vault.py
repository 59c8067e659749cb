"""Other people's secrets, encrypted with the service's key: who reads the database or a backup learns none.

Form: JWE (RFC 7516), direct encryption with A256GCM.
"""

import hmac

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import SecretStr

from contracts.kit.errors import VaultError

KEY_BYTES = 32
_ALGORITHMS = ["dir", "A256GCM"]


class Vault:
    """Raises ValueError for a key that is not 32 bytes in base64url."""

    def __init__(self, key: SecretStr) -> None:
        self._key = _read(key.get_secret_value())

    def seal(self, secret: SecretStr) -> str:
        header = {"alg": "dir", "enc": "A256GCM"}
        return jwe.encrypt_compact(header, secret.get_secret_value(), self._key, algorithms=_ALGORITHMS)

    def open(self, sealed: str) -> SecretStr:
        """Raises VaultError for what was not sealed with this key."""
        try:
            plaintext = jwe.decrypt_compact(sealed, self._key, algorithms=_ALGORITHMS).plaintext
        except (JoseError, ValueError) as error:
            raise VaultError("a secret was not sealed with the present SECRETS_KEY") from error
        return SecretStr((plaintext or b"").decode())


def derived(key: SecretStr, purpose: str) -> bytes:
    """A key for one purpose: who learns it learns neither `key` nor the other ones. Raises ValueError like `Vault`."""
    return hmac.digest(_read(key.get_secret_value()).raw_value, purpose.encode(), "sha256")


def _read(text: str) -> OctKey:
    try:
        key = OctKey.import_key({"kty": "oct", "k": text.rstrip("=")})
    except ValueError:
        key = None
    if key is None or len(key.raw_value) != KEY_BYTES:
        raise ValueError(f"SECRETS_KEY: expected {KEY_BYTES} random bytes in base64url")
    return key
