"""The source of a text before Liquid parses it: what parsing costs, and what Liquid could not parse in time."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

from rule_engine.domain.errors import ValueFailureError

MAX_SOURCE = 50_000
"""Characters of one template."""
MAX_MARKUP = 2_000
"""Characters between `{{` and `}}`, or `{%` and `%}`."""
MAX_MARKUPS = 500
"""Of those in one template."""
MAX_TOKENS = 200
"""Names, texts, numbers and signs in one of them."""
MAX_BRACKETS = 4
"""How deep brackets are nested in one: Liquid looks at what is inside again for each of them."""

_LETTER, _MARKUP_COST, _TOKEN_COST = 8, 4_000, 2_500
"""Units of `contracts.budget`: a character, an insertion or tag, and a token in it, to be parsed and analysed."""

_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|[\w-]+|[^\s\w]""")
_MARKUP = re.compile(r"\{\{|\{%")
_GAP = re.compile(r"\s{200}")
_RESERVED = re.compile(r"""'[^']*'|"[^"]*"|(\|\s*)(if|in)(?=\s*:)""")


@lru_cache(maxsize=512)
def parsing_cost(source: str) -> int:
    """Of parsing and analysing it. Raises as `parse` does, before Liquid gets it."""
    insides = [source[start:end] for start, end in markups(source)]
    tokens = sum(map(_tokens, insides))
    return _LETTER * len(source) + _MARKUP_COST * len(insides) + _TOKEN_COST * tokens


def _tokens(inside: str) -> int:
    tokens = _TOKEN.findall(inside)
    if len(tokens) > MAX_TOKENS:
        raise ValueFailureError(f"an insertion or tag has more than {MAX_TOKENS} names, texts and signs: split it")
    deepest = max(accumulate((one == "[") - (one == "]") for one in tokens), default=0)
    if deepest > MAX_BRACKETS:
        raise ValueFailureError(f"brackets are nested more than {MAX_BRACKETS} deep")
    return len(tokens)


def markups(source: str) -> Iterator[tuple[int, int]]:
    """Where the insides of insertions and tags begin and end.

    Refuses, in one pass, what Liquid's lexer would take minutes for: it backtracks over what is not closed.
    """
    at, found = 0, 0
    while (start := _MARKUP.search(source, at)) is not None:
        found += 1
        if found > MAX_MARKUPS:
            raise ValueFailureError(f"has more than {MAX_MARKUPS} insertions and tags")
        closing = "}}" if start[0] == "{{" else "%}"
        end = source.find(closing, start.end())
        inside = source[start.end() : end]
        if end < 0:
            raise ValueFailureError(f"{start[0]} is never closed by {closing}")
        if len(inside) > MAX_MARKUP or _MARKUP.search(inside):
            raise ValueFailureError(f"{start[0]} is not closed by {closing} before the next one")
        if _GAP.search(inside):
            raise ValueFailureError(f"there are 200 blanks after {start[0]}")
        if start[0] == "{%" and inside.strip("- \t\r\n") in ("raw", "doc"):
            raise ValueFailureError(f"there is no tag {inside.strip('- \t\r\n')}")
        yield start.end(), end
        at = end + len(closing)


def spelled(source: str, markups: list[tuple[int, int]]) -> str:
    """The source with filters whose names Liquid reserves spelled as it can read them."""
    parts, at = list[str](), 0
    for start, end in markups:
        parts += [source[at:start], _RESERVED.sub(_respelled, source[start:end])]
        at = end
    return "".join([*parts, source[at:]])


def _respelled(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}_" if found[2] else found[0]
