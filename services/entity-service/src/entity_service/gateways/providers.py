"""Payment providers and carriers over HTTP.

`POST {url}/{path}` with a JSON body, signed with the account's secret (Standard Webhooks), and `Idempotency-Key`: the
provider does what has the same key once, and answers the same again. It answers 2xx `{id, …}`; 4xx with a problem's
`detail` when it refuses.
"""

import json
from collections.abc import Mapping

import httpx
from pydantic import ValidationError

from contracts.kit.clock import Clock
from contracts.kit.errors import RetryLaterError
from contracts.kit.signatures import signature
from contracts.kit.vault import Vault
from contracts.texts import readable_reason
from entity_service.domain.accounts import AccountKind, Answer, Question
from entity_service.domain.errors import RejectedError

PROVIDERS: Mapping[AccountKind, str] = {"payment": "payment provider", "carrier": "carrier"}
_MAY_PASS = {401, 402, 403, 407, 408, 409, 423, 425, 429}
"""Answers about us as a customer, time-outs and conflicts: an earlier request may still be under way."""
MAX_DETAIL = 300


class Providers:
    """`urls` are the providers that the installation knows, by kind and name."""

    def __init__(
        self, client: httpx.AsyncClient, urls: Mapping[AccountKind, Mapping[str, str]], vault: Vault, clock: Clock
    ) -> None:
        self._client = client
        self._urls = urls
        self._vault = vault
        self._clock = clock

    async def ask(self, question: Question) -> Answer:
        """Raises `RejectedError` when the provider refuses, `RetryLaterError` when it cannot be asked now."""
        account = question.account
        what = f"the {PROVIDERS[account.kind]} {account.provider!r}"
        url = self._urls[account.kind].get(account.provider or "")
        if url is None:
            raise RejectedError(f"{what} is not known to this installation any more: name another one")
        body = json.dumps(question.body)
        headers = {"Content-Type": "application/json", "Idempotency-Key": question.key}
        headers |= signature(self._vault.open(account.secret), question.key, body, self._clock())
        try:
            response = await self._client.post(f"{url.rstrip('/')}/{question.path}", content=body, headers=headers)
        except (httpx.HTTPError, OSError) as error:
            raise RetryLaterError(f"{what} cannot be reached ({type(error).__name__})") from error
        return _read(response, what)


def _read(response: httpx.Response, what: str) -> Answer:
    status = response.status_code
    if 400 <= status < 500 and status not in _MAY_PASS:  # noqa: PLR2004
        raise RejectedError(f"{what} refuses: {_detail(response)}")
    if not response.is_success:
        raise RetryLaterError(f"{what} answers {status}")
    try:
        return Answer.model_validate_json(response.content)
    except ValidationError as error:
        raise RetryLaterError(f"the answer of {what} cannot be read") from error


def _detail(response: httpx.Response) -> str:
    try:
        told = response.json()["detail"]
    except (ValueError, LookupError, TypeError):
        told = None
    return readable_reason(told, MAX_DETAIL) if isinstance(told, str) else f"it answers {response.status_code}"
