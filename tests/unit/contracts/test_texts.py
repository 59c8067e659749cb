"""Names and titles have one definition: composed, on one line, without control characters."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts.inputs import Input, keepable
from contracts.texts import MAX_NAME, Line, Name, Title, composed, one_line, shown_on_one_line


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Mu\u0308ller", "Müller"),
        ("van\tder \u00a0\u00a0Berg\r\n", "van der Berg"),
        ("a\u2028b\u0085c\u3000d", "a b c d"),
        ("\u200bKim", "\u200bKim"),
        ("👩\u200d👧", "👩\u200d👧"),
        (" \t\u00a0 ", ""),
    ],
)
def test_white_space_is_folded_and_letters_are_composed(given: str, kept: str) -> None:
    assert one_line(given) == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [("ab\x96c", "U\\+0096 as character 3"), (" \x1b[1m", "U\\+001B as character 1"), ("a\x1fb", "2")],
)
def test_other_control_characters_are_refused_with_their_name_and_place(given: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        one_line(given)
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(Name).validate_python(given)


@given(st.text())
def test_what_is_shown_can_always_be_kept(text: str) -> None:
    shown = shown_on_one_line(text)
    assert one_line(shown) == shown
    assert shown == unicodedata.normalize("NFC", shown)


@given(st.text())
def test_what_was_accepted_once_is_accepted_again_unchanged(text: str) -> None:
    try:
        kept = one_line(text)
    except ValueError:
        return
    assert one_line(kept) == kept


def test_lengths_count_after_folding() -> None:
    spaced = " \t".join("x" * (MAX_NAME // 2)) + " " * 100
    assert len(TypeAdapter(Line).validate_python(spaced)) == MAX_NAME - 1
    with pytest.raises(ValidationError, match="200"):
        TypeAdapter(Line).validate_python("x" * 201)
    with pytest.raises(ValidationError, match="at least 1"):
        TypeAdapter(Title).validate_python("\u00a0\n")


def test_every_text_of_an_input_is_composed_whatever_it_is_in() -> None:
    class Anything(Input):
        value: object

    given = {"a": ["Mu\u0308ller", {"b": ("e\u0301", 1, None)}]}
    assert Anything(value=given).value == {"a": ["Müller", {"b": ("é", 1, None)}]}
    assert keepable("Mu\u0308ller") == composed("Mu\u0308ller") == "Müller"
