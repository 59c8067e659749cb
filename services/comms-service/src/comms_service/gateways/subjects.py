"""Subjects with other letters than ASCII's, written so that a reader gets back exactly what was sent.

The standard library folds a header that mixes encoded and plain words so that a blank may come twice. Here all of it is
encoded words (RFC 2047), and readers leave out what is between two of them.
"""

from base64 import b64encode
from collections.abc import Iterator
from email.headerregistry import BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.policy import Policy
from typing import Any

ROOM = 39
"""Bytes of UTF-8 in one encoded word: a line with it and the header's name has at most 76 characters."""


class SubjectHeader(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc]  # as the registry does
    """Folds between encoded words only."""

    def fold(self, *, policy: "Policy[Any]") -> str:
        text = str(self)
        if text.isascii():
            return super().fold(policy=policy)
        words = (f"=?utf-8?b?{b64encode(part).decode()}?=" for part in _parts(text))
        return f"Subject: {f'{policy.linesep} '.join(words)}{policy.linesep}"


def header_registry() -> HeaderRegistry:
    """The library's, with this class for subjects."""
    registry = HeaderRegistry()
    registry.map_to_type("subject", SubjectHeader)
    return registry


def _parts(text: str) -> Iterator[bytes]:
    """The text in UTF-8, cut between characters."""
    part = b""
    for char in text:
        if len(part) + len(char.encode()) > ROOM:
            yield part
            part = b""
        part += char.encode()
    yield part
