"""What an SMS provider's answers mean."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from comms_service.domain.errors import PostponedError, RejectedError
from comms_service.gateways.sms import judge, retry_after


def answer(status: int, retry: str | None = None) -> httpx.Response:
    return httpx.Response(status, headers={b"Retry-After": retry.encode("latin-1")} if retry else {})


@pytest.mark.parametrize("status", [200, 201, 202])
def test_2xx_is_accepted(status: int) -> None:
    judge(answer(status))


@pytest.mark.parametrize(
    ("status", "reached"),
    [(302, False), (401, False), (403, False), (429, False), (409, True), (500, True), (503, True)],
)
def test_what_may_pass_is_postponed(status: int, reached: bool) -> None:
    with pytest.raises(PostponedError) as postponed:
        judge(answer(status, "7"))
    assert postponed.value.reached is reached
    assert postponed.value.after_s == 7


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_other_refusals_are_for_good(status: int) -> None:
    with pytest.raises(RejectedError):
        judge(answer(status))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("30", 30), ("999999", 3600), (None, None), ("soon", None), ("-5", None), ("¹", None)],
)
def test_the_providers_wish_is_read_and_bounded(text: str | None, seconds: float | None) -> None:
    assert retry_after(answer(429, text)) == seconds


def test_the_providers_wish_may_be_a_date() -> None:
    wish = retry_after(answer(503, format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)))
    assert wish is not None
    assert 500 < wish <= 600
