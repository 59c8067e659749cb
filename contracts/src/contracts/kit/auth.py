"""Who calls: bearer JWTs. Every route but those of strangers demands one.

Tokens of people name the platform as audience, a tenant and roles; those of the people who run the installation the
role `platform` and no tenant. A service's token names the one service that it is for as audience, and scopes: what it
may ask for there, below `/internal`.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import httpx
import orjson
import structlog
from fastapi import Depends, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from contracts.inputs import unkeepable
from contracts.kit import telemetry
from contracts.kit.http import Problem
from contracts.kit.internal import service_audience
from contracts.kit.settings import ServiceSettings

logger = structlog.get_logger(__name__)

ALGORITHMS = ["EdDSA", "Ed25519", "ES256", "RS256", "PS256"]
"""Asymmetric signatures only: `none` and shared secrets are not on the list."""
UNREADABLE = (JoseError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading a token may raise: the library does not expect every header that a stranger can write."""
LEEWAY_S = 30
MAX_SUBJECT = 200
KEYS_FOR_S = 600.0
REFETCH_AFTER_S = 30.0
MAX_TOKENS = 1_000
"""Tokens whose signature is remembered, those that were shown last."""
type Decode = Callable[[str], Mapping[str, Any]]
"""The claims of a token that one of some keys has signed."""


class Role(StrEnum):
    """What a person may do. Each role of a tenant's people includes those before it.

    `platform` stands apart: it includes no other role, and belongs to no tenant.
    """

    VIEWER = "viewer"
    AGENT = "agent"
    AUTHOR = "author"
    OPERATOR = "operator"
    ADMIN = "admin"
    PLATFORM = "platform"


_BEARER = HTTPBearer(bearerFormat="JWT", description="A token with roles, or a service's with scopes", auto_error=False)
"""For the OpenAPI documents alone; `Authenticator` judges."""

_RANK = {role: rank for rank, role in enumerate((Role.VIEWER, Role.AGENT, Role.AUTHOR, Role.OPERATOR, Role.ADMIN))}


_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Caller:
    """An employee of one tenant, as the token says; `subject` is an employee's id or a name."""

    tenant: UUID
    subject: str
    roles: frozenset[Role]

    def has(self, role: Role) -> bool:
        """Whether they have a role of the tenant's people, or one above it."""
        return any(_RANK.get(own, -1) >= _RANK[role] for own in self.roles)


class Authenticator:
    """Verifies tokens against a JWKS from a file (local) or a URL (production), kept for ten minutes."""

    def __init__(self, settings: ServiceSettings, service: str) -> None:
        self._file = settings.auth_jwks_file
        self._url = settings.auth_jwks_url
        self._of_people = _registry(settings, settings.auth_audience)
        self._of_services = _registry(settings, service_audience(settings.auth_audience, service))
        self._decode: Decode | None = None
        self._fetched_at = float("-inf")
        self._lock = asyncio.Lock()

    async def claims(self, request: Request) -> dict[str, Any]:
        """The verified claims of a person's bearer token, verified once; raises `Problem` 401 otherwise."""
        return await self._once(request, self._of_people)

    async def service_claims(self, request: Request) -> dict[str, Any]:
        """Those of a token that another service shows, made for this one; raises `Problem` 401 otherwise."""
        return await self._once(request, self._of_services)

    async def _once(self, request: Request, registry: JWTClaimsRegistry) -> dict[str, Any]:
        """Verifies once a request: its route asks again who calls after the body is read."""
        verified: dict[JWTClaimsRegistry, dict[str, Any]] = request.scope.setdefault("claims", {})
        if registry not in verified:
            verified[registry] = await self._read(request, registry)
        return verified[registry]

    async def _read(self, request: Request, registry: JWTClaimsRegistry) -> dict[str, Any]:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized("send a bearer token in the Authorization header")
        try:
            return await self._verify_with_newest_keys(token, registry)
        except UNREADABLE as error:
            raise unauthorized(f"the token is not valid: {_reason(error)}") from error

    async def _verify_with_newest_keys(self, token: str, registry: JWTClaimsRegistry) -> dict[str, Any]:
        """The signing key may be newer than our copy of the set."""
        try:
            return _verify(token, await self._with_keys(KEYS_FOR_S), registry)
        except InvalidKeyIdError:
            return _verify(token, await self._with_keys(REFETCH_AFTER_S), registry)

    async def _with_keys(self, max_age_s: float) -> Decode:
        async with self._lock:
            if self._decode is None or time.monotonic() - self._fetched_at > max_age_s:
                self._decode = await self._with_newest_keys()
                self._fetched_at = time.monotonic()
            return self._decode

    async def _with_newest_keys(self) -> Decode:
        """With those we have when they cannot be fetched."""
        try:
            return _decoding(KeySet.import_key_set(await self._fetch()))
        except (OSError, httpx.HTTPError, JoseError, ValueError, KeyError, TypeError) as error:
            logger.warning("the keys that tokens are verified with cannot be fetched", error=type(error).__name__)
            if self._decode is None:
                raise Problem(503, "Unavailable", "the keys that tokens are verified with cannot be fetched") from error
            return self._decode

    async def _fetch(self) -> Any:
        if self._file is not None:
            return orjson.loads(await asyncio.to_thread(self._file.read_bytes))
        if self._url is None:
            raise ValueError("set AUTH_JWKS_FILE or AUTH_JWKS_URL")
        async with httpx.AsyncClient(timeout=5) as client:
            return (await client.get(self._url)).raise_for_status().json()


def _registry(settings: ServiceSettings, audience: str) -> JWTClaimsRegistry:
    return JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": settings.auth_issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        sub={"essential": True},
    )


def _decoding(keys: KeySet) -> Decode:
    """With these keys. A token's signature is verified once while they are kept; what it claims, such as its end, is
    for the caller to look at each time.
    """

    @lru_cache(maxsize=MAX_TOKENS)
    def decode(token: str) -> Mapping[str, Any]:
        return jwt.decode(token, keys, algorithms=ALGORITHMS).claims

    return decode


def _verify(token: str, decode: Decode, registry: JWTClaimsRegistry) -> dict[str, Any]:
    claims = dict(decode(token))
    registry.validate(claims)
    if not _is_name(claims["sub"]):
        raise unauthorized(f"the token has no valid sub: it is a text of at most {MAX_SUBJECT} characters")
    return claims


def _is_name(subject: Any) -> bool:
    """Whether a subject can be kept beside what its bearer does."""
    return isinstance(subject, str) and 0 < len(subject) <= MAX_SUBJECT and unkeepable(subject) is None


def _reason(error: Exception) -> str:
    """With the claim that is wrong: `invalid_claim aud`."""
    parts = (getattr(error, "error", None) or type(error).__name__, getattr(error, "claim", None))
    return " ".join(part for part in parts if isinstance(part, str))


def unauthorized(detail: str) -> Problem:
    return Problem(401, "Unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


def require(role: Role) -> Any:
    """A dependency that gives the `Caller`, who must have `role` or one above it in their own tenant."""

    async def caller(request: Request, _: Annotated[object, Security(_BEARER, scopes=[role])]) -> Caller:
        who = _caller(await request.app.state.authenticator.claims(request))
        if not who.has(role):
            raise Problem(403, "Forbidden", f"this needs the role {role}")
        telemetry.note(tenant_id=who.tenant, **_ids(request))
        return who

    return Depends(_guard(caller))


def require_service(scope: str) -> Any:
    """A dependency for `/internal`: gives the name of the calling service, which acts for all tenants."""

    async def service(request: Request, _: Annotated[object, Security(_BEARER, scopes=[scope])]) -> str:
        claims = await request.app.state.authenticator.service_claims(request)
        if scope not in _scopes(claims) or "tenant" in claims:
            raise Problem(403, "Forbidden", f"this is for services whose token has the scope {scope}, and no tenant")
        telemetry.note(**_ids(request))
        return str(claims["sub"])

    return Depends(_guard(service))


def require_platform() -> Any:
    """A dependency for `/internal`: gives the name of the operator of the platform who calls, for all tenants."""

    async def operator(request: Request, _: Annotated[object, Security(_BEARER, scopes=[Role.PLATFORM])]) -> str:
        claims = await request.app.state.authenticator.claims(request)
        if Role.PLATFORM not in _roles(claims) or "tenant" in claims:
            raise Problem(403, "Forbidden", "this is for the platform: it needs the role platform and no tenant")
        telemetry.note(**_ids(request))
        return str(claims["sub"])

    return Depends(_guard(operator))


_GUARDS: dict[Any, Callable[[Request, None], Awaitable[Any]]] = {}
"""The dependencies below that let callers in."""


def _guard[G: Callable[..., Awaitable[Any]]](dependency: G) -> G:
    _GUARDS[dependency] = dependency
    return dependency


def is_guarded(route: APIRoute) -> bool:
    """Whether it authenticates the caller; else it is open to strangers."""
    return any(one.call in _GUARDS for one in route.dependant.dependencies)


def let_in_first(route: APIRoute) -> None:
    """Makes a route authenticate the caller before it reads the body, so that what strangers send costs nothing."""
    guards = [_GUARDS[one.call] for one in route.dependant.dependencies if one.call in _GUARDS]
    make_handler = route.get_route_handler

    def guarded() -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = make_handler()

        async def guard_and_handle(request: Request) -> Response:
            for guard in guards:
                await guard(request, None)
            return await handle(request)

        return guard_and_handle

    route.get_route_handler = guarded  # type: ignore[method-assign]


def _ids(request: Request) -> dict[str, str]:
    """The ids in the path: `item_id`, `run_id`, …"""
    named = {name: text for name, text in request.path_params.items() if name.endswith("_id")}
    return {name: text for name, text in named.items() if _ID.fullmatch(text)}


def _caller(claims: dict[str, Any]) -> Caller:
    try:
        return Caller(UUID(str(claims["tenant"])), str(claims["sub"]), _roles(claims))
    except (KeyError, ValueError) as error:
        raise unauthorized("the token names no tenant") from error


def _roles(claims: dict[str, Any]) -> frozenset[Role]:
    roles = claims.get("roles")
    return frozenset(role for role in Role if role in roles) if isinstance(roles, list) else frozenset()


def _scopes(claims: dict[str, Any]) -> list[str]:
    """Names with blanks between them, as RFC 8693 has it."""
    scope = claims.get("scope")
    return scope.split() if isinstance(scope, str) else []


class ServiceToken(httpx.Auth):
    """Signs calls to one other service with this service's token for it, the file of that name in `folder`.

    The file is read at each call, since tokens end and their issuer replaces the file before. Raises `OSError` when it
    cannot be read.
    """

    requires_response_body = False

    def __init__(self, folder: Path | None, service: str) -> None:
        self._folder = folder
        self._service = service

    def auth_flow(self, request: httpx.Request) -> Any:
        if self._folder is None:
            raise ValueError("set SERVICE_TOKENS_DIR: other services ask who calls")
        request.headers["Authorization"] = f"Bearer {(self._folder / self._service).read_text().strip()}"
        yield request
