"""How many submissions are accepted: from one address, of one form, of one tenant, about one recipient.

Rules may write to recipients. Addresses and recipients are counted under a keyed hash.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.quotas import Quota, refusal
from trigger_service import quotas
from trigger_service.domain.answers import Answers, recipients
from trigger_service.domain.errors import TooSoonError
from trigger_service.domain.forms import Form
from trigger_service.domain.repeats import digest
from trigger_service.store import deduplication

_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Limit:
    """A quota of the submissions within one `window`; windows are those of UTC. `full` is for the visitor."""

    quota: Quota
    window: timedelta
    full: str


_PER_FORM = _Limit(quotas.PER_FORM, _MINUTE, "this form is sent very often at the moment")
_PER_TENANT = _Limit(quotas.PER_TENANT, timedelta(hours=1), "this form is sent very often at the moment")
_PER_RECIPIENT = _Limit(
    quotas.PER_RECIPIENT, timedelta(days=1), "this phone number or e-mail address was sent often enough today"
)


class SubmissionLimits:
    """`key` hashes what is counted; `posts_per_minute` is for one address and one form."""

    def __init__(self, key: bytes, posts_per_minute: int) -> None:
        self._key = key
        self._posts_per_minute = posts_per_minute

    async def count(self, tx: Connection, form: Form, address: str, now: datetime) -> TooSoonError | None:
        """Counts a post, refused or not; what to answer when there were too many."""
        since = _begin(now, _MINUTE)
        posts = await deduplication.count_post(tx, self._hashed("post", form.token, address), since)
        if posts <= self._posts_per_minute:
            return None
        return TooSoonError("this was sent too often from your address", _wait_s(since + _MINUTE, now))

    async def take(self, tx: Connection, tenant: UUID, form: Form, answers: Answers, now: datetime) -> None:
        """Counts a submission. Raises `TooSoonError` when one of its windows is full; the caller then rolls back."""
        for limit, key in self._counts(tenant, form, answers):
            since = _begin(now, limit.window)
            posts = await deduplication.count_post(tx, key, since)
            if await refusal(tx, tenant, limit.quota, used=posts - 1):
                raise TooSoonError(limit.full, _wait_s(since + limit.window, now))

    def _counts(self, tenant: UUID, form: Form, answers: Answers) -> Iterator[tuple[_Limit, bytes]]:
        """In one order for all submissions, so that none waits for another that waits for it."""
        yield _PER_FORM, digest("form", tenant, form.code)
        yield _PER_TENANT, deduplication.key_of_tenant(tenant)
        for recipient in sorted(recipients(form.spec, answers)):
            yield _PER_RECIPIENT, self._hashed("recipient", tenant, recipient)

    def _hashed(self, *parts: object) -> bytes:
        return hmac.digest(self._key, "/".join(map(str, parts)).encode(), "sha256")


def _begin(now: datetime, window: timedelta) -> datetime:
    return now - (now - _EPOCH) % window


def _wait_s(until: datetime, now: datetime) -> int:
    return ceil((until - now).total_seconds())
