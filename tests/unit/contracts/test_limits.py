"""How much one caller may ask of a public route, and who counts as one."""

import pytest
from fastapi import Request

from contracts.kit.http import Problem
from contracts.kit.limits import MAX_CALLERS, RateLimit, network


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def request_from(host: str | None) -> Request:
    return Request({"type": "http", "client": (host, 1) if host else None})


def test_a_burst_is_let_through_and_then_the_average() -> None:
    clock = Clock()
    limit = RateLimit(per_second=0.5, burst=3, now=clock)
    assert [limit.wait_s("a") for _ in range(4)] == [0, 0, 0, 2]
    assert limit.wait_s("b") == 0
    clock.now = 2.0
    assert [limit.wait_s("a") for _ in range(2)] == [0, 2]
    clock.now = 3600.0
    assert [limit.wait_s("a") for _ in range(4)] == [0, 0, 0, 2]


def test_a_refusal_says_when_to_come_back() -> None:
    limit = RateLimit(per_second=0.1, burst=1, now=Clock())
    limit.take(request_from("192.0.2.1"))
    with pytest.raises(Problem) as refused:
        limit.take(request_from("192.0.2.1"))
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "10"})


def test_only_so_many_callers_are_remembered() -> None:
    limit = RateLimit(per_second=1, burst=1, now=Clock())
    for number in range(MAX_CALLERS + 1):
        limit.wait_s(str(number))
    assert (limit.wait_s("0"), limit.wait_s(str(MAX_CALLERS))) == (0, 1)


@pytest.mark.parametrize(
    ("host", "caller"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.2", "192.0.2.2"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::2", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("somewhere", "somewhere"),
        (None, ""),
    ],
)
def test_one_customers_network_is_one_caller(host: str | None, caller: str) -> None:
    assert network(request_from(host)) == caller
