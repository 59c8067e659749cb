"""Functions of texts."""

import re
from typing import Any
from urllib.parse import quote

from rule_engine.domain.language.functions.arguments import text_of, whole
from rule_engine.domain.language.functions.registry import function
from rule_engine.domain.language.functions.surroundings import here


@function
def substr(value: Any, start: Any, length: Any = None) -> str:
    """A part of a text; counting starts at 0, negative numbers count from the end."""
    text, begin = text_of(value), whole(start)
    begin = max(begin + len(text), 0) if begin < 0 else begin
    return text[begin:] if length is None else text[begin : begin + max(whole(length), 0)]


@function
def strpos(value: Any, part: Any) -> int:
    """Where a text first contains another one, from 0; -1: nowhere."""
    return text_of(value).find(text_of(part))


@function
def strlen(value: Any) -> int:
    """Characters of a text."""
    return len(text_of(value))


@function
def lower(value: Any) -> str:
    """The text in lower case."""
    return text_of(value).lower()


@function
def upper(value: Any) -> str:
    """The text in upper case."""
    return text_of(value).upper()


@function
def title(value: Any) -> str:
    """The text with every word's first letter in upper case."""
    return re.sub(r"(^|\s)(\S)", lambda found: found[1] + found[2].upper(), text_of(value))


@function
def trim(value: Any) -> str:
    """The text without blanks around it."""
    return text_of(value).strip()


@function
def urlencode(value: Any) -> str:
    """The text as a part of an address."""
    return quote(text_of(value), safe="")


@function
def randstring(length: Any = 10) -> str:
    """Letters and digits by chance, the same for the same decision; not for secrets."""
    wanted = min(max(whole(length), 0), 1000)
    return "".join(here().chance.choices("abcdefghijkmnpqrstuvwxyz23456789", k=wanted))
