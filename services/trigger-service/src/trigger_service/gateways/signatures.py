"""Signatures of callbacks. Source: the Standard Webhooks specification (HMAC-SHA256, five minutes' tolerance)."""

from collections.abc import Mapping

from pydantic import SecretStr
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

MIN_SECRET = 24
"""Bytes, as the specification asks."""


def is_secret(secret: SecretStr) -> bool:
    """Whether it is `whsec_` and the base64 of at least 24 bytes."""
    text = secret.get_secret_value()
    try:
        Webhook(text)
    except (ValueError, EmptyWebhookSecretError):
        return False
    return text.startswith("whsec_") and len(text.removeprefix("whsec_").rstrip("=")) * 3 // 4 >= MIN_SECRET


def is_signed(secret: SecretStr, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the body was signed with the secret less than five minutes ago."""
    try:
        Webhook(secret.get_secret_value()).verify(body, dict(headers), json_parse=False)
    except (ValueError, WebhookVerificationError):
        return False
    return True
