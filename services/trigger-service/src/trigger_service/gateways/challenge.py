"""Challenges that people solve and machines should not: the provider of a widget is asked by `siteverify`.

hCaptcha, reCAPTCHA and Turnstile share it: `POST` of secret, response and remote address, answered by `success`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import httpx
import structlog
from pydantic import BaseModel, Field, SecretStr, ValidationError

from trigger_service.domain.errors import ChallengeAwayError, ChallengeUnsolvedError

logger = structlog.get_logger(__name__)

MAX_ANSWER = 16 * 1024
"""Bytes of what a provider says."""
MAX_RESPONSE = 8 * 1024
"""Characters of what a widget puts into the form."""

type ProviderName = Literal["hcaptcha", "recaptcha", "turnstile"]


@dataclass(frozen=True, slots=True)
class _Provider:
    """`sources` are what a page with the widget has to trust, for its Content-Security-Policy."""

    verify_url: str
    script_url: str
    widget: str
    sources: str


_PROVIDERS: Mapping[ProviderName, _Provider] = {
    "hcaptcha": _Provider(
        "https://api.hcaptcha.com/siteverify",
        "https://js.hcaptcha.com/1/api.js",
        "h-captcha",
        "https://hcaptcha.com https://*.hcaptcha.com",
    ),
    "recaptcha": _Provider(
        "https://www.google.com/recaptcha/api/siteverify",
        "https://www.google.com/recaptcha/api.js",
        "g-recaptcha",
        "https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/ https://recaptcha.google.com/recaptcha/",
    ),
    "turnstile": _Provider(
        "https://challenges.cloudflare.com/turnstile/v0/siteverify",
        "https://challenges.cloudflare.com/turnstile/v0/api.js",
        "cf-turnstile",
        "https://challenges.cloudflare.com",
    ),
}


FIELDS = frozenset(f"{one.widget}-response" for one in _PROVIDERS.values())
"""What widgets put into forms: some bring the field of another one along, whose scripts they stand in for."""


class Widget(BaseModel):
    """What a page needs to show the challenge. `field` carries the answer, among the form's own ones."""

    provider: ProviderName
    site_key: str
    script_url: str
    field: str


class _Verdict(BaseModel):
    success: bool
    error_codes: tuple[str, ...] = Field((), alias="error-codes")


class Challenge:
    """One provider, asked in this installation's name."""

    def __init__(
        self, client: httpx.AsyncClient, name: ProviderName, site_key: str, secret: SecretStr, url: str | None = None
    ) -> None:
        provider = _PROVIDERS[name]
        self._client = client
        self._secret = secret
        self._url = url or provider.verify_url
        self.sources = provider.sources
        self.html_class = provider.widget
        self.widget = Widget(
            provider=name, site_key=site_key, script_url=provider.script_url, field=f"{provider.widget}-response"
        )

    async def verify(self, response: object, address: str) -> None:
        """Raises `ChallengeUnsolvedError`, `ChallengeAwayError`; `response` is what the widget's field had."""
        if not isinstance(response, str) or not 0 < len(response) <= MAX_RESPONSE:
            raise ChallengeUnsolvedError("please show that you are human")
        verdict = await self._ask({"response": response, "remoteip": address})
        if any("secret" in code for code in verdict.error_codes):
            logger.error("the provider of challenges refuses our secret", reason=", ".join(verdict.error_codes)[:200])
            raise ChallengeAwayError("it cannot be checked just now that you are human: send it again later")
        if not verdict.success:
            raise ChallengeUnsolvedError("please show once more that you are human")

    async def _ask(self, question: dict[str, str]) -> _Verdict:
        form = question | {"secret": self._secret.get_secret_value()}
        try:
            async with self._client.stream("POST", self._url, data=form) as answer:
                answer.raise_for_status()
                return _Verdict.model_validate_json(await _read(answer))
        except (httpx.HTTPError, OSError, ValidationError) as error:
            logger.warning("the provider of challenges cannot be asked", error=type(error).__name__)
            raise ChallengeAwayError("it cannot be checked just now that you are human: send it again later") from error


async def _read(answer: httpx.Response) -> bytes:
    content = bytearray()
    async for part in answer.aiter_bytes():
        content += part
        if len(content) > MAX_ANSWER:
            raise httpx.DecodingError(f"more than {MAX_ANSWER} bytes")
    return bytes(content)
