"""How providers are asked: signed, idempotently, and without telling anybody the secret."""

import json
from collections.abc import Callable
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from contracts.kit.clock import utc_now
from contracts.kit.errors import RetryLaterError
from contracts.kit.signatures import is_signed
from contracts.kit.vault import Vault
from entity_service.domain.accounts import Account, Answer, Question
from entity_service.domain.errors import RejectedError
from entity_service.gateways.providers import Providers
from entity_service.settings import Settings

SECRET = SecretStr("whsec_c3RhZ2V3cmlnaHQtc2VjdXJpdHktdGVzdHMh")
VAULT = Vault(SecretStr("A" * 43))
URL = "https://pay.example/api/"


def account(provider: str = "bank") -> Account:
    return Account(
        tenant_id=UUID(int=1),
        kind="payment",
        code="main",
        name="The bank",
        provider=provider,
        secret=VAULT.seal(SECRET),
        token="token",
    )


async def asked(answer: Callable[[httpx.Request], httpx.Response], provider: str = "bank") -> Answer:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        providers = Providers(client, {"payment": {"bank": URL}, "carrier": {}}, VAULT, utc_now)
        return await providers.ask(Question(account(provider), "payments", "key-1", {"amount": 5, "name": "Öl"}))


async def test_a_request_is_signed_and_has_its_key() -> None:
    seen = list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"id": "7", "link": "https://pay.example/7", "more": True})

    assert await asked(answer) == Answer(id="7", link="https://pay.example/7")
    (request,) = seen
    assert (str(request.url), request.headers["idempotency-key"]) == ("https://pay.example/api/payments", "key-1")
    assert json.loads(request.content) == {"amount": 5, "name": "Öl"}
    assert is_signed(SECRET, request.headers, request.content)
    assert not is_signed(SECRET, request.headers, request.content.replace(b"5", b"6"))
    assert SECRET.get_secret_value() not in str(request.headers)


@pytest.mark.parametrize("status", [401, 409, 429, 500, 503, 302])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    with pytest.raises(RetryLaterError, match=str(status)):
        await asked(lambda _: httpx.Response(status))


async def test_a_provider_that_is_away_or_says_nonsense_is_asked_again() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(SECRET.get_secret_value(), request=request)

    with pytest.raises(RetryLaterError, match="cannot be reached") as raised:
        await asked(away)
    assert SECRET.get_secret_value() not in str(raised.value)
    with pytest.raises(RetryLaterError, match="cannot be read"):
        await asked(lambda _: httpx.Response(200, json={"link": "not a link"}))


async def test_a_refusal_is_told_in_the_providers_words() -> None:
    with pytest.raises(RejectedError, match="refuses: the currency is not ours"):
        await asked(lambda _: httpx.Response(422, json={"detail": "the currency is not ours"}))
    with pytest.raises(RejectedError, match="refuses: it answers 404"):
        await asked(lambda _: httpx.Response(404, text="<html>"))
    with pytest.raises(RejectedError, match="not known to this installation"):
        await asked(lambda _: httpx.Response(200), "gone")


def settings(**own: object) -> Settings:
    known = {"database_url": "postgresql://x@localhost/x", "kafka_bootstrap": "localhost:1", "auth_issuer": "i"}
    more = {"auth_audience": "a", "secrets_key": "A" * 43, "public_entity_url": "http://localhost"}
    return Settings.model_validate(known | more | own)


def test_providers_are_named_with_their_addresses() -> None:
    found = settings(carriers="post=https://Post.example/A, courier=http://127.0.0.1:1")
    assert found.carriers == {"post": "https://Post.example/A", "courier": "http://127.0.0.1:1"}
    assert found.payment_providers == {}


@pytest.mark.parametrize("wrong", ["https://pay.example", "bank=http://pay.example", "A bank=https://pay.example"])
def test_an_address_without_a_name_or_tls_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        settings(payment_providers=wrong)
