"""Addresses have one form; what cannot be an address is refused without being repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.addresses import AddressError, mailbox, normalise_email, normalise_phone


@pytest.mark.parametrize(
    ("given", "region"),
    [
        ("+49 30 12 34 56", None),
        ("0049 (30) 123-456", None),
        (" +4930123456 ", "US"),
        ("030 123456", "DE"),
        ("0049 30 123456", "US"),
    ],
)
def test_a_phone_number_has_one_form(given: str, region: str | None) -> None:
    assert normalise_phone(given, region) == "+4930123456"


@pytest.mark.parametrize("given", ["", "030 123456", "+49", "+49 30 1234567890123456", "call me"])
def test_what_is_no_phone_number_is_refused(given: str) -> None:
    with pytest.raises(AddressError) as refused:
        normalise_phone(given)
    assert not given or given not in str(refused.value)


def test_a_number_that_only_its_neighbours_can_dial_is_refused() -> None:
    with pytest.raises(AddressError, match="too few"):
        normalise_phone("+1 253 0000")


@pytest.mark.parametrize("given", [" Anna.Adler@Example.COM ", "anna.adler@example.com"])
def test_an_e_mail_address_has_one_form(given: str) -> None:
    assert normalise_email(given) == "anna.adler@example.com"


@pytest.mark.parametrize("given", ["Jürgen.X@client.example", "ju\u0308rgen.x@Client.example"])
def test_letters_of_any_script_are_part_of_an_address(given: str) -> None:
    assert normalise_email(given) == "jürgen.x@client.example"


@given(st.from_regex(r"[A-Za-zÄ-ÿİ]{1,40}@[a-zäöü]{1,20}\.example", fullmatch=True))
def test_what_was_accepted_once_is_accepted_by_everybody_unchanged(address: str) -> None:
    try:
        kept = normalise_email(address)
    except AddressError:
        return
    assert normalise_email(kept) == kept
    assert normalise_email(mailbox(kept)) == kept


@pytest.mark.parametrize("given", ["", "anna", "anna@", "anna@nowhere", "a b@example.com", "anna@example.com\r\nTo: b"])
def test_what_is_no_e_mail_address_is_refused(given: str) -> None:
    with pytest.raises(AddressError, match="is not an e-mail address"):
        normalise_email(given)
