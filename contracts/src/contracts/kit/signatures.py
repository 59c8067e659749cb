"""Signatures of callbacks, and of what is asked of providers.

Source: the Standard Webhooks specification (HMAC-SHA256, five minutes' tolerance).
"""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime

from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

MIN_SECRET = 24
"""Bytes, as the specification asks."""


def is_secret(secret: SecretStr) -> bool:
    """Whether it is `whsec_` and the base64 of at least 24 bytes."""
    prefix, _, text = secret.get_secret_value().partition("_")
    try:
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return False
    return prefix == "whsec" and len(key) >= MIN_SECRET


def is_signed(secret: SecretStr, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the body was signed with the secret less than five minutes ago."""
    try:
        Webhook(secret.get_secret_value()).verify(body, dict(headers), json_parse=False)
    except (ValueError, WebhookVerificationError):
        return False
    return True


def signature(secret: SecretStr, id: str, body: str, now: datetime) -> dict[str, str]:
    """The headers that sign a body: who has the secret knows that it is ours, and that nobody changed it."""
    sent_at = now.replace(microsecond=0)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(secret.get_secret_value()).sign(id, sent_at, body),
    }
