"""Nonces of forms: signed here when a visitor opens a form, read when it comes back. JWS (RFC 7515) with HS256."""

from datetime import UTC, datetime, timedelta
from math import ceil

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, SecretStr

from contracts.kit.vault import derived
from trigger_service.domain.errors import NonceError, TooSoonError
from trigger_service.tokens import new_token

_ALGORITHMS = ["HS256"]


class _Claims(BaseModel):
    sub: str
    jti: str
    iat: float

    @property
    def issued_at(self) -> datetime:
        return datetime.fromtimestamp(self.iat, UTC)


class Nonces:
    """From `min_age` to `max_age` after it was issued, a nonce lets its form be sent.

    The key is derived from the service's. Raises ValueError like `Vault`.
    """

    def __init__(self, secrets_key: SecretStr, min_age: timedelta, max_age: timedelta) -> None:
        self._key = OctKey.import_key(derived(secrets_key, "nonces of forms"))
        self.min_age = min_age
        self._max_age = max_age

    def issue(self, form: str, now: datetime) -> str:
        """A nonce of the form with this token."""
        claims = {"sub": form, "jti": new_token(), "iat": now.timestamp()}
        return jwt.encode({"alg": "HS256"}, claims, self._key, algorithms=_ALGORITHMS)

    def read(self, form: str, nonce: str | None, now: datetime) -> str:
        """The nonce's id. Raises `NonceError`, or `TooSoonError` while it is younger than a person needs."""
        claims = self._claims(form, nonce, now)
        wait = self.min_age - (now - claims.issued_at)
        if wait > timedelta(0):
            raise TooSoonError("this was sent very soon after the form was opened", ceil(wait.total_seconds()))
        return claims.jti

    def renewed(self, form: str, nonce: str | None, now: datetime) -> str:
        """The same nonce while it can be used, since it grows older meanwhile; else a new one."""
        try:
            self._claims(form, nonce, now)
        except NonceError:
            return self.issue(form, now)
        assert nonce is not None  # noqa: S101 - it has claims
        return nonce

    def _claims(self, form: str, nonce: str | None, now: datetime) -> _Claims:
        try:
            claims = _Claims.model_validate(jwt.decode(nonce or "", self._key, algorithms=_ALGORITHMS).claims)
        except (JoseError, ValueError) as error:
            raise NonceError("the form was not opened here first") from error
        if claims.sub != form:
            raise NonceError("the form was not opened here first")
        if now - claims.issued_at > self._max_age:
            raise NonceError("the form was open for too long")
        return claims
