"""Who is let in: a table of tokens against a service's routes."""

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey
from pydantic import SecretStr

from contracts.kit.auth import Caller, Role, ServiceToken, require, require_platform, require_service
from contracts.kit.service import Service
from contracts.kit.settings import ServiceSettings
from support.serving import ServiceTransport

TENANT = UUID("00000000-0000-7000-8000-00000000000a")
ISSUER, AUDIENCE = "https://id.example.com", "stagewright"
KEY = OKPKey.generate_key("Ed25519", {"kid": "one"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of an agent; a claim that is None is left out."""
    all_ = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ada",
        "exp": int(time.time()) + 600,
        "tenant": str(TENANT),
        "roles": ["agent"],
        **changes,
    }
    return {name: value for name, value in all_.items() if value is not None}


def token(key: Any = KEY, alg: str = "Ed25519", kid: str | None = "one", **changes: Any) -> str:
    header = {"alg": alg} | ({"kid": kid} if kid else {})
    return jwt.encode(header, claims(**changes), key, algorithms=[alg])


def service_token(**changes: Any) -> str:
    """Of the rule engine, for things of the probe service."""
    own = {"aud": f"{AUDIENCE}/probe-service", "scope": "things", "tenant": None, "roles": None, "sub": "rule-engine"}
    return token(**own | changes)


def unsigned() -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "kid": "one"}, claims())]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def signed_with_the_public_key() -> str:
    """The old trick: the public key as a shared secret, which needs HS256 to be accepted."""
    public = json.dumps(KEY.as_dict(private=False)).encode()
    return token(OctKey.import_key(public), "HS256")


def altered() -> str:
    """A good token whose claims were exchanged for an admin's."""
    header, _, signature = token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(roles=["admin"])).encode()).rstrip(b"=").decode()
    return f"{header}.{body}.{signature}"


def routes() -> APIRouter:
    router = APIRouter()

    @router.get("/agents")
    async def agents(caller: Caller = require(Role.AGENT)) -> dict[str, Any]:
        return {"tenant": caller.tenant, "subject": caller.subject, "roles": sorted(caller.roles)}

    for role in (Role.VIEWER, Role.AUTHOR, Role.OPERATOR, Role.ADMIN):

        @router.get(f"/needs/{role}")
        async def needs(caller: Caller = require(role)) -> str:
            return caller.subject

    @router.post("/agents")
    async def add(body: dict[str, Any], caller: Caller = require(Role.AGENT)) -> int:
        return len(body)

    @router.get("/internal/things")
    async def internal(caller: str = require_service("things")) -> str:
        return caller

    @router.get("/internal/settings")
    async def settings(caller: str = require_platform()) -> str:
        return caller

    return router


def put_keys(file: Path, *keys: Any) -> Path:
    file.write_text(json.dumps(KeySet(list(keys)).as_dict(private=False)) if keys else "<html>")
    return file


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    return put_keys(tmp_path / "jwks.json", KEY, RSA, EC)


@pytest.fixture
async def client(jwks: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = ServiceSettings(
        database_url=SecretStr("postgresql://nobody@localhost/none"),
        kafka_bootstrap="localhost:1",
        auth_jwks_file=jwks,
        auth_issuer=ISSUER,
        auth_audience=AUDIENCE,
    )
    app = Service("probe-service", settings).app("probe", [routes()])
    async with httpx.AsyncClient(transport=ServiceTransport(app, settings), base_url="http://probe") as opened:
        yield opened


async def get(client: httpx.AsyncClient, path: str, bearer: str | None) -> httpx.Response:
    return await client.get(path, headers={"Authorization": f"Bearer {bearer}"} if bearer is not None else {})


@pytest.mark.parametrize(
    ("make", "detail"),
    [
        pytest.param(lambda: None, "send a bearer token", id="none"),
        pytest.param(lambda: "", "send a bearer token", id="empty"),
        pytest.param(lambda: "abc", "the token is not valid", id="garbage"),
        pytest.param(lambda: "a.b.c", "the token is not valid", id="three pieces of garbage"),
        pytest.param(lambda: "€.€.€", "the token is not valid", id="not even ASCII"),
        pytest.param(altered, "the token is not valid: bad_signature", id="claims exchanged"),
        pytest.param(
            lambda: token(OKPKey.generate_key("Ed25519")), "the token is not valid: bad_signature", id="forged"
        ),
        pytest.param(
            lambda: token(OKPKey.generate_key("Ed25519"), kid="two"), "the token is not valid", id="unknown key"
        ),
        pytest.param(unsigned, "the token is not valid", id="alg none"),
        pytest.param(signed_with_the_public_key, "the token is not valid", id="HS256 with the public key"),
        pytest.param(lambda: token(exp=int(time.time()) - 60), "the token is not valid: expired_token", id="expired"),
        pytest.param(lambda: token(exp=None), "the token is not valid: missing_claim", id="without an end"),
        pytest.param(
            lambda: token(nbf=int(time.time()) + 600), "the token is not valid: invalid_claim", id="not valid yet"
        ),
        pytest.param(lambda: token(aud="another"), "the token is not valid: invalid_claim", id="wrong audience"),
        pytest.param(lambda: token(aud=None), "the token is not valid: missing_claim", id="no audience"),
        pytest.param(lambda: token(iss="https://evil.example.com"), "the token is not valid", id="wrong issuer"),
        pytest.param(lambda: token(sub=None), "the token is not valid: missing_claim", id="no subject"),
        pytest.param(lambda: token(sub="a\x00b"), "the token has no valid sub", id="a subject with a null character"),
        pytest.param(lambda: token(sub="a" * 201), "the token has no valid sub", id="an endless subject"),
        pytest.param(lambda: token(tenant=None), "the token names no tenant", id="no tenant"),
        pytest.param(lambda: token(tenant="ours"), "the token names no tenant", id="tenant is no id"),
    ],
)
async def test_a_token_that_is_not_good_is_answered_with_401(
    client: httpx.AsyncClient, make: Callable[[], str | None], detail: str
) -> None:
    bearer = make()
    headers = [] if bearer is None else [(b"authorization", f"Bearer {bearer}".encode())]
    answer = await client.get("/agents", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["detail"].startswith(detail)
    if bearer:
        assert bearer not in answer.text


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"null",
        b"\xff",
        b'{"alg": ["ES256"]}',
        b'{"alg": {}}',
        b'{"alg": "Ed25519", "kid": []}',
        b'{"alg": "Ed25519", "kid": "one", "crit": 1}',
        b'{"alg": "Ed25519", "kid": "one", "crit": [1]}',
        b'{"alg": "Ed25519", "kid": "one", "crit": ["b64"], "b64": false}',
        b'{"alg": "Ed25519", "kid": "one", "x5c": 5, "jwk": 5}',
        b'{"alg": "Ed25519", "kid": "\\ud800"}',
        b'{"alg": 1e400}',
        b'{"alg": ' + b"9" * 5000 + b"}",
        b'{"alg": ' + b"[" * 20_000,
    ],
)
async def test_no_header_of_a_token_is_worse_than_401(client: httpx.AsyncClient, header: bytes) -> None:
    parts = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, b"{}", b"x" * 64))
    answer = await get(client, "/agents", ".".join(parts))
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_who_calls_is_asked_before_the_body_is_read(client: httpx.AsyncClient) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"[" * 1000

    headers = {"content-type": "application/json"}
    for bearer, status in ((None, 401), (token(roles=["viewer"]), 403)):
        refused = await client.post(
            "/agents", content=endless(), headers=headers | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        )
        assert (refused.status_code, read) == (status, 0)
    allowed = {"Authorization": f"Bearer {token()}"}
    assert (await client.post("/agents", json={"a": 1}, headers=allowed)).json() == 1


async def test_another_scheme_than_bearer_is_answered_with_401(client: httpx.AsyncClient) -> None:
    answer = await client.get("/agents", headers={"Authorization": f"Basic {token()}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(("key", "alg"), [(KEY, "Ed25519"), (RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")])
async def test_a_good_token_names_tenant_subject_and_roles(client: httpx.AsyncClient, key: Any, alg: str) -> None:
    answer = await get(client, "/agents", token(key, alg, key.kid, aud=["another", AUDIENCE], roles=["agent", "king"]))
    assert answer.json() == {"tenant": str(TENANT), "subject": "ada", "roles": ["agent"]}


@pytest.mark.parametrize(
    ("roles", "allowed"),
    [
        ([], set()),
        (None, set()),
        ("admin", set()),
        ([["admin"]], set()),
        (["king"], set()),
        (["viewer"], {"viewer"}),
        (["agent"], {"viewer"}),
        (["author"], {"viewer", "author"}),
        (["operator"], {"viewer", "author", "operator"}),
        (["admin"], {"viewer", "author", "operator", "admin"}),
        (["service"], set()),
        (["platform"], set()),
    ],
)
async def test_each_role_of_people_includes_those_before_it_and_the_others_none(
    client: httpx.AsyncClient, roles: Any, allowed: set[str]
) -> None:
    bearer = token(roles=roles)
    answers = {role: await get(client, f"/needs/{role}", bearer) for role in ("viewer", "author", "operator", "admin")}
    assert {role for role, answer in answers.items() if answer.status_code == 200} == allowed
    assert {answer.status_code for role, answer in answers.items() if role not in allowed} <= {403}


async def test_internal_routes_are_for_services_of_any_tenant_and_not_for_the_mightiest_of_people(
    client: httpx.AsyncClient,
) -> None:
    path = "/internal/things"
    service = await get(client, path, service_token())
    assert (service.status_code, service.json()) == (200, "rule-engine")
    assert (await get(client, path, token(roles=["admin"], scope="things"))).status_code == 401
    assert (await get(client, path, None)).status_code == 401


WRONG_SCOPE = "this is for services whose token has the scope things, and no tenant"


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"aud": [f"{AUDIENCE}/another-service", f"{AUDIENCE}/probe-service"]}, 200, None),
        ({"scope": "others things"}, 200, None),
        ({"aud": f"{AUDIENCE}/another-service"}, 401, "the token is not valid: invalid_claim aud"),
        ({"aud": AUDIENCE}, 401, "the token is not valid: invalid_claim aud"),
        ({"aud": None}, 401, "the token is not valid: missing_claim aud"),
        ({"scope": "others"}, 403, WRONG_SCOPE),
        ({"scope": "thingsandmore"}, 403, WRONG_SCOPE),
        (
            {"scope": None, "roles": ["service"]},
            403,
            WRONG_SCOPE,
        ),
        ({"scope": ["things"]}, 403, WRONG_SCOPE),
        ({"tenant": str(TENANT)}, 403, WRONG_SCOPE),
    ],
)
async def test_a_services_token_opens_one_service_and_what_its_scopes_name(
    client: httpx.AsyncClient, changes: dict[str, Any], status: int, detail: str | None
) -> None:
    answer = await get(client, "/internal/things", service_token(**changes))
    assert answer.status_code == status
    assert detail is None or answer.json()["detail"] == detail


async def test_a_services_token_opens_nothing_of_people_nor_of_the_platform(client: httpx.AsyncClient) -> None:
    bearer = service_token(roles=["admin", "platform"], scope="things admin platform")
    for path in ("/agents", "/needs/viewer", "/internal/settings"):
        assert (await get(client, path, bearer)).status_code == 401, path


async def test_the_platforms_routes_are_for_those_who_run_the_installation_alone(client: httpx.AsyncClient) -> None:
    path = "/internal/settings"
    operator = await get(client, path, token(roles=["platform"], tenant=None, sub="olga"))
    assert (operator.status_code, operator.json()) == (200, "olga")
    admin, both = token(roles=["operator", "admin"]), token(roles=["admin", "platform"])
    assert [(await get(client, path, one)).status_code for one in (admin, both)] == [403, 403]
    assert (await get(client, "/internal/things", token(roles=["platform"], tenant=None))).status_code == 401
    assert (await get(client, "/agents", token(roles=["platform"], tenant=None))).status_code == 401


async def test_a_token_that_was_good_is_refused_when_it_has_ended_or_its_key_is_gone(
    client: httpx.AsyncClient, jwks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its signature is remembered: neither its end nor the keys that may sign are."""
    ends, stays = token(exp=int(time.time()) + 5), token()
    for bearer in (ends, stays):
        for _ in range(2):
            assert (await get(client, "/agents", bearer)).status_code == 200
    assert (await get(client, "/internal/things", stays)).status_code == 401
    monkeypatch.setattr("joserfc.jwt.JWTClaimsRegistry.now", int(time.time()) + 60)
    answer = await get(client, "/agents", ends)
    assert (answer.status_code, answer.json()["detail"]) == (401, "the token is not valid: expired_token exp")
    monkeypatch.undo()
    put_keys(jwks, RSA)
    monkeypatch.setattr("contracts.kit.auth.KEYS_FOR_S", 0)
    assert (await get(client, "/agents", stays)).status_code == 401


async def test_a_key_added_to_the_set_is_found_before_the_set_would_be_read_again(
    client: httpx.AsyncClient, jwks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = OKPKey.generate_key("Ed25519", {"kid": "two"})
    assert (await get(client, "/agents", token(newer, kid="two"))).status_code == 401
    put_keys(jwks, KEY, newer)
    monkeypatch.setattr("contracts.kit.auth.REFETCH_AFTER_S", 0)
    assert (await get(client, "/agents", token(newer, kid="two"))).status_code == 200


async def test_without_keys_nobody_is_let_in_and_the_caller_may_try_again(
    client: httpx.AsyncClient, jwks: Path
) -> None:
    put_keys(jwks)
    answer = await get(client, "/agents", token())
    assert (answer.status_code, answer.json()["title"]) == (503, "Unavailable")


async def test_keys_at_hand_are_used_while_newer_ones_cannot_be_had(
    client: httpx.AsyncClient, jwks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await get(client, "/agents", token())).status_code == 200
    put_keys(jwks)
    monkeypatch.setattr("contracts.kit.auth.KEYS_FOR_S", 0)
    assert (await get(client, "/agents", token())).status_code == 200


async def test_health_and_metrics_are_open_and_nothing_else_is(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live")).status_code == 200
    assert (await client.get("/metrics")).status_code == 200


def test_calls_to_other_services_carry_the_newest_token_of_this_one(tmp_path: Path) -> None:
    file = tmp_path / "entity-service"
    auth = ServiceToken(tmp_path, "entity-service")
    for text in ("first", "second"):
        file.write_text(f"{text}\n")
        request = next(auth.auth_flow(httpx.Request("GET", "http://entity-service")))
        assert request.headers["authorization"] == f"Bearer {text}"
    with pytest.raises(ValueError, match="set SERVICE_TOKENS_DIR"):
        next(ServiceToken(None, "entity-service").auth_flow(httpx.Request("GET", "http://entity-service")))
