"""What cannot be kept is refused, with the place where it is."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts.inputs import Input, Moment, unkeepable


def nested(levels: int) -> Any:
    value: Any = "core"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "Grüße 🙂 \n\t",
        {"a": [1, 2.5, True, None, {"b": "c"}]},
        2**63 - 1,
        -(2**63 - 1),
        nested(100),
        ("a", ("b",)),
    ],
)
def test_what_json_can_say_everywhere_can_be_kept(value: Any) -> None:
    assert unkeepable(value) is None


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("a\x00", "contains a null character"),
        ({"a": [{"b": "\x00"}]}, "a[0].b: contains a null character"),
        ({"a": ["fine", "\ud800"]}, "a[1]: contains a lone surrogate"),
        ({"a": {"\x00": 1}}, "a: the name of a field contains a null character"),
        ({"\udfff": {"b": 1}}, "the name of a field contains a lone surrogate"),
        ([float("nan")], "[0]: is no number"),
        ({"a": float("-inf")}, "a: is no number"),
        ({"a": 2**63}, "a: is a larger number than can be kept"),
        ({"a": -(10**400)}, "a: is a larger number than can be kept"),
        ({"a": nested(102)}, f"a{'[0]' * 100}: is nested in more than 100 levels"),
    ],
)
def test_what_cannot_be_kept_is_named_with_its_place(value: Any, fault: str) -> None:
    assert unkeepable(value) == fault


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-00:01", "2026-01-01T00:00:00"])
def test_a_moment_is_one_that_utc_has(time: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Moment).validate_python(time)


def test_a_moment_is_told_in_utc() -> None:
    moment = TypeAdapter(Moment).validate_python("2026-03-31T14:00:00+02:00")
    assert moment.isoformat() == "2026-03-31T12:00:00+00:00"


def test_an_input_takes_neither_that_nor_unknown_fields() -> None:
    class Note(Input):
        text: str

    assert Note.model_validate({"text": "fine"}).text == "fine"
    with pytest.raises(ValidationError, match="text: contains a null character"):
        Note.model_validate({"text": "a\x00"})
    with pytest.raises(ValidationError, match="surprise"):
        Note.model_validate({"text": "fine", "surprise": 1})
