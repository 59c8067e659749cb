"""Addresses have one form; what cannot be an address is refused without being repeated."""

import pytest

from comms_service.domain.addresses import normalise
from comms_service.domain.errors import UnusableError
from contracts.addresses import consent_key


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("+49 (30) 901820", "+4930901820"),
        ("+1-202-555-0143", "+12025550143"),
        (" name@Example.ORG ", "name@example.org"),
        ("Name@example.org", "Name@example.org"),
        ("name@bücher.example", "name@xn--bcher-kva.example"),
        ("jürgen.x@client.example", "jürgen.x@client.example"),
        ("ju\u0308rgen.x@client.example", "jürgen.x@client.example"),
    ],
)
def test_an_address_gets_its_one_form(given: str, expected: str) -> None:
    assert normalise(given) == expected


@pytest.mark.parametrize("given", ["", "030 901820", "+49", "+491234567890123456", "client@", "a b@example.org", "ä@b"])
def test_what_is_no_address_is_refused_without_being_repeated(given: str) -> None:
    with pytest.raises(UnusableError) as refused:
        normalise(given)
    assert not given or given not in str(refused.value)


def test_consent_does_not_depend_on_the_case_of_the_mailbox() -> None:
    assert consent_key(normalise("Name@Example.org")) == consent_key(normalise("name@example.ORG"))


def test_consent_does_not_depend_on_the_script_in_which_the_domain_is_kept() -> None:
    assert consent_key("name@möbel.example") == consent_key("Name@xn--mbel-5qa.example") == "name@xn--mbel-5qa.example"
    assert consent_key("+49301234567") == "+49301234567"
