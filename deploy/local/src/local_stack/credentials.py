"""The stack's secrets and the key its tokens are signed with; made once per stack, readable by its owner only."""

import json
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from secrets import token_bytes, token_urlsafe
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey

ISSUER = "stagewright-local"
AUDIENCE = "stagewright"
ROLES = ("viewer", "agent", "author", "operator", "admin")
"""The roles of people, each of whom belongs to a tenant."""
PLATFORM = "platform"
"""The role of those who run the installation; it belongs to no tenant."""
SERVICE = "service"
"""The role of services, which act for all tenants."""
_ALGORITHM = "ES256"
_SERVICE_TOKEN_S = 10 * 365 * 24 * 3600


@dataclass(frozen=True)
class Secrets:
    """Passwords, shared secrets (those of webhooks in the form that Standard Webhooks asks for), and a key."""

    postgres_password: str
    sms_token: str
    sms_webhook_secret: str
    payment_secret: str
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

    def service_token_file(self, service: str) -> Path:
        return self._folder / f"{service}.token"

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
        """Writes the public keys and a token for every service."""
        self._write(self.jwks_file, json.dumps({"keys": [self._key.as_dict(private=False)]}))
        for service in services:
            self._write(self.service_token_file(service), self.service_token(service, _SERVICE_TOKEN_S))

    def token(self, roles: Sequence[str], tenant: UUID, sub: str, seconds: int = 24 * 3600) -> str:
        """A bearer token of a person: `sub` is an employee's id or a name."""
        return self._sign(sub, roles, {"tenant": str(tenant)}, seconds)

    def platform_token(self, sub: str, seconds: int = 24 * 3600) -> str:
        """A bearer token for the platform's routes below `/internal`."""
        return self._sign(sub, [PLATFORM], {}, seconds)

    def service_token(self, service: str, seconds: int) -> str:
        """A bearer token of a service, for `/internal`."""
        return self._sign(service, [SERVICE], {}, seconds)

    def _sign(self, sub: str, roles: Sequence[str], more: dict[str, str], seconds: int) -> str:
        issued = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": sub, "roles": list(roles), "iat": issued, **more}
        header = {"alg": _ALGORITHM, "kid": self._key.kid}
        return jwt.encode(header, claims | {"exp": issued + seconds}, self._key, algorithms=[_ALGORITHM])

    def _write(self, file: Path, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
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
        secrets_key=token_urlsafe(32),
    )


def _webhook_secret() -> str:
    return "whsec_" + b64encode(token_bytes(24)).decode()
