"""Forms that somebody opened a while ago."""

from datetime import timedelta

from pydantic import SecretStr

from contracts.kit.clock import utc_now
from trigger_service.gateways.nonces import Nonces

A_MINUTE = timedelta(minutes=1)


def nonce(secrets_key: str, form: str, ago: timedelta = A_MINUTE) -> str:
    """As trigger-service, which has this key, gave it that long ago to whoever opened the form at this address."""
    nonces = Nonces(SecretStr(secrets_key), timedelta(0), timedelta(days=1))
    return nonces.issue(form.rpartition("/")[2], utc_now() - ago)
