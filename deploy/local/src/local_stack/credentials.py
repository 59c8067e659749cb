"""The stack's secrets and the key its tokens are signed with; made once per stack, readable by its owner only."""

import json
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from secrets import token_bytes, token_urlsafe
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey

from contracts.kit.internal import service_audience
from contracts.kit.token_files import ends_at
from contracts.service_calls import called_by, scopes

ISSUER = "stagewright-local"
AUDIENCE = "stagewright"
ROLES = ("viewer", "agent", "author", "operator", "admin")
"""The roles of people, each of whom belongs to a tenant."""
PLATFORM = "platform"
"""The role of those who run the installation; it belongs to no tenant."""
_ALGORITHM = "ES256"
_SERVICE_TOKEN_S = 6 * 3600
"""How long a service's token lasts; it is renewed when half of that is over."""


@dataclass(frozen=True)
class Secrets:
    """Passwords, shared secrets (those of webhooks in the form that Standard Webhooks asks for), and a key."""

    postgres_password: str
    sms_token: str
    sms_webhook_secret: str
    payment_secret: str
    carrier_secret: str
    secrets_key: str
    """32 bytes in base64url."""


class Credentials:
    """Everything secret below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def jwks_file(self) -> Path:
        """The public keys, as services read them."""
        return self._folder / "jwks.json"

    def service_tokens(self, service: str) -> Path:
        """The folder with a service's tokens, a file for each service that it asks."""
        return self._folder / f"{service}.tokens"

    @cached_property
    def secrets(self) -> Secrets:
        """Those that there are, and what is missing among them is made."""
        file = self._folder / "secrets.json"
        kept = json.loads(file.read_text()) if file.exists() else {}
        secrets = Secrets(**(asdict(_make_secrets()) | kept))
        if asdict(secrets) != kept:
            self._write(file, json.dumps(asdict(secrets)))
        return secrets

    @cached_property
    def _key(self) -> ECKey:
        file = self._folder / "private.json"
        if not file.exists():
            made = ECKey.generate_key("P-256", {"use": "sig", "alg": _ALGORITHM}, auto_kid=True)
            self._write(file, json.dumps(made.as_dict(private=True)))
        return ECKey.import_key(json.loads(file.read_text()))

    def prepare(self, services: Sequence[str]) -> None:
        """Writes the public keys, and the services' tokens where there are none that last."""
        self._write(self.jwks_file, json.dumps({"keys": [self._key.as_dict(private=False)]}))
        self.renew(services)

    def renew(self, services: Sequence[str]) -> list[tuple[str, str]]:
        """Renews tokens that have less than half of their time left; returns whose, and for which service."""
        pairs = [(caller, service) for caller in services for service in called_by(caller)]
        due = [pair for pair in pairs if ends_at(self._token_file(*pair)) - time.time() < _SERVICE_TOKEN_S / 2]
        for pair in due:
            self._write(self._token_file(*pair), self.service_token(*pair, _SERVICE_TOKEN_S))
        return due

    def _token_file(self, caller: str, service: str) -> Path:
        return self.service_tokens(caller) / service

    def token(self, roles: Sequence[str], tenant: UUID, sub: str, seconds: int = 24 * 3600) -> str:
        """A bearer token of a person: `sub` is an employee's id or a name."""
        return self._sign(sub, {"aud": AUDIENCE, "roles": list(roles), "tenant": str(tenant)}, seconds)

    def platform_token(self, sub: str, seconds: int = 24 * 3600) -> str:
        """A bearer token for the platform's routes below `/internal`."""
        return self._sign(sub, {"aud": AUDIENCE, "roles": [PLATFORM]}, seconds)

    def service_token(self, caller: str, service: str, seconds: int) -> str:
        """A bearer token of `caller` for what it may ask of `service` below `/internal`; opens nothing else."""
        audience, scope = service_audience(AUDIENCE, service), " ".join(scopes(caller, service))
        return self._sign(caller, {"aud": audience, "scope": scope}, seconds)

    def _sign(self, sub: str, claims: dict[str, Any], seconds: int) -> str:
        issued = int(time.time())
        of_all = {"iss": ISSUER, "sub": sub, "iat": issued, "exp": issued + seconds}
        header = {"alg": _ALGORITHM, "kid": self._key.kid}
        return jwt.encode(header, of_all | claims, self._key, algorithms=[_ALGORITHM])

    def _write(self, file: Path, text: str) -> None:
        for folder in (self._folder, file.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = file.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(text)
        partial.replace(file)


def _make_secrets() -> Secrets:
    return Secrets(
        postgres_password=token_urlsafe(24),
        sms_token=token_urlsafe(24),
        sms_webhook_secret=_webhook_secret(),
        payment_secret=_webhook_secret(),
        carrier_secret=_webhook_secret(),
        secrets_key=token_urlsafe(32),
    )


def _webhook_secret() -> str:
    return "whsec_" + b64encode(token_bytes(24)).decode()
