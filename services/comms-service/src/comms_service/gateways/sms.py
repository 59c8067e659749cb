"""SMS over HTTP.

`POST {url}/messages` with a bearer token and `Idempotency-Key`, body `{to, text, reference, callback_url}`; the
provider answers 2xx `{id, …}` once it has the message, and the same to the same key however often it is asked.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from comms_service.domain.errors import PostponedError, RejectedError
from comms_service.domain.messages import Message

RECEIPTS = "/public/receipts/sms"
MAX_RETRY_AFTER_S = 3600.0
_NOT_OUR_MESSAGE = {401, 402, 403, 407, 429}
"""Answers about us as a customer; the message was not looked at and may be welcome later."""
_MAY_PASS = {408, 409, 423, 425}
"""Time-outs and conflicts: an earlier request with this key may still be under way."""


class SmsGateway:
    """Sends SMS through one provider."""

    def __init__(self, client: httpx.AsyncClient, url: str, token: str, public_url: str) -> None:
        self._client = client
        self._url = f"{url.rstrip('/')}/messages"
        self._authorization = f"Bearer {token}"
        self._callback_url = public_url.rstrip("/") + RECEIPTS

    async def send(self, message: Message) -> str | None:
        body = {
            "to": message.to_address,
            "text": message.text,
            "reference": str(message.id),
            "callback_url": self._callback_url,
        }
        headers = {"Authorization": self._authorization, "Idempotency-Key": message.provider_key}
        try:
            response = await self._client.post(self._url, json=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise PostponedError(_unreachable(error), reached=False) from error
        except (httpx.HTTPError, OSError) as error:
            raise PostponedError(_unreachable(error), reached=True) from error
        judge(response)
        return _provider_id(response)


def _unreachable(error: Exception) -> str:
    return f"the SMS provider cannot be reached ({type(error).__name__})"


def judge(response: httpx.Response) -> None:
    """Raises for everything but 2xx: other 4xx are for good, of 5xx nobody knows what they left behind."""
    status = response.status_code
    if response.is_success:
        return
    if status < 400 or status in _NOT_OUR_MESSAGE:
        raise PostponedError(f"the SMS provider answered {status}", reached=False, after_s=retry_after(response))
    if status in _MAY_PASS or status >= 500:
        raise PostponedError(f"the SMS provider answered {status}", reached=True, after_s=retry_after(response))
    raise RejectedError(f"the SMS provider refused the message ({status})")


def retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait as the provider wishes (a number or an HTTP date), at most an hour."""
    text = response.headers.get("Retry-After", "")
    try:
        wish = float(text) if text.isdigit() else (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(wish, 0.0), MAX_RETRY_AFTER_S)


def _provider_id(response: httpx.Response) -> str | None:
    try:
        answer = response.json()
    except ValueError:
        return None
    id_ = answer.get("id") if isinstance(answer, dict) else None
    return str(id_).replace("\x00", "")[:200] if id_ is not None else None
