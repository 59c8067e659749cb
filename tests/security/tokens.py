"""Tokens that are no good, each for one reason, and one that is."""

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from contracts.kit.internal import service_audience
from local_stack.credentials import AUDIENCE, ISSUER


@dataclass(frozen=True)
class Forger:
    """Knows everything that is public of the key that services trust; signs with it only to spoil one claim."""

    folder: Path

    @property
    def _key(self) -> ECKey:
        return ECKey.import_key(json.loads((self.folder / "private.json").read_text()))

    def useless(self, claims: dict[str, Any]) -> dict[str, dict[str, str]]:
        """Headers by what is wrong with them; the claims would do but for that."""
        own = self._key
        other = ECKey.generate_key("P-256", {"kid": str(own.kid)})
        good = _signed(own, claims)
        tokens = {
            "signed by another key": _signed(other, claims),
            "signed by no key": _raw({"alg": "none", "kid": own.kid}, claims),
            "signed with the public key as a shared secret": _signed_with_public_key(own, claims),
            "changed after it was signed": _changed(good, claims | {"sub": "eve"}),
            "expired": _signed(own, claims | {"exp": claims["exp"] - 7200}),
            "without an end": _signed(own, _without(claims, "exp")),
            "of another issuer": _signed(own, claims | {"iss": "somebody"}),
            "for another audience": _signed(own, claims | {"aud": "another-platform"}),
            "for a service of another name": _signed(own, claims | {"aud": f"{AUDIENCE}/another-service"}),
            "of nobody": _signed(own, _without(claims, "sub")),
            "no token at all": "nonsense",
        }
        basic = base64.b64encode(b"admin:admin").decode()
        headers = {why: {"authorization": f"Bearer {token}"} for why, token in tokens.items()}
        return headers | {"nothing": {}, "another scheme": {"authorization": f"Basic {basic}"}}

    def signed(self, claims: dict[str, Any]) -> dict[str, str]:
        """The header of a good token with these claims."""
        return {"authorization": f"Bearer {_signed(self._key, claims)}"}

    def homeless(self, *roles: str) -> dict[str, str]:
        """A good token that names no tenant."""
        return self.signed(_without(of_person(UUID(int=0), roles), "tenant"))


def of_person(tenant: UUID, roles: Sequence[str]) -> dict[str, Any]:
    """Claims."""
    return _of_anybody() | {"aud": AUDIENCE, "roles": roles, "tenant": str(tenant)}


def of_service(service: str, scope: str) -> dict[str, Any]:
    """Claims of a service that asks `service`."""
    return _of_anybody() | {"aud": service_audience(AUDIENCE, service), "scope": scope}


def _of_anybody() -> dict[str, Any]:
    return {"iss": ISSUER, "sub": "ada", "exp": int(time.time()) + 3600}


def _without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in claims.items() if key != name}


def _signed(key: ECKey, claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key, algorithms=["ES256"])


def _signed_with_public_key(key: ECKey, claims: dict[str, Any]) -> str:
    secret = OctKey.import_key(json.dumps(key.as_dict(private=False)).encode())
    return jwt.encode({"alg": "HS256", "kid": key.kid}, claims, secret, algorithms=["HS256"])


def _changed(token: str, claims: dict[str, Any]) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{_encoded(claims)}.{signature}"


def _raw(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{_encoded(header)}.{_encoded(claims)}."


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
