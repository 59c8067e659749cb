"""Domains of senders: their one form, and which of them a proof covers."""

import pytest

from comms_service.domain.addresses import normalise_email
from comms_service.domain.errors import UnusableError
from comms_service.domain.sender_domains import MAX_DOMAIN, covering, domain_of, normalise_domain
from comms_service.gateways.dns import DnsGateway, parse_server


@pytest.mark.parametrize("written", ["Möbel.Example", "xn--mbel-5qa.example", " MÖBEL.example. "])
def test_a_domain_has_one_form_the_same_as_in_addresses(written: str) -> None:
    domain = normalise_domain(written)
    assert domain == "xn--mbel-5qa.example"
    assert domain_of(normalise_email("Post@MÖBEL.example")) == domain


@pytest.mark.parametrize(
    "text", ["", "com", "localhost", "127.0.0.1", "[::1]", "a@b.example", "a..example", "a/b.example"]
)
def test_what_no_mail_can_come_from_is_refused(text: str) -> None:
    with pytest.raises(UnusableError):
        normalise_domain(text)


def test_a_domain_leaves_room_for_the_label_of_its_record() -> None:
    longest = ".".join(["a" * 60] * 3 + ["b" * (MAX_DOMAIN - 3 * 61 - 8), "example"])
    assert len(normalise_domain(longest)) == MAX_DOMAIN
    with pytest.raises(UnusableError, match="too long"):
        normalise_domain(f"a.{longest}")


def test_a_proof_covers_what_is_below_and_nothing_beside() -> None:
    assert covering("a.b.shop.example") == ["a.b.shop.example", "b.shop.example", "shop.example"]
    assert "shop.example" not in covering("xshop.example")


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("[2001:db8::1]:54", ("2001:db8::1", 54)),
    ],
)
def test_a_resolver_is_named_by_its_address(text: str, server: tuple[str, int]) -> None:
    assert parse_server(text) == server


@pytest.mark.parametrize("text", ["", "dns.example", "192.0.2.1:x", "https://192.0.2.1"])
def test_what_is_no_resolver_is_said_when_the_service_starts(text: str) -> None:
    with pytest.raises(ValueError, match="DNS_SERVER"):
        DnsGateway(text)
