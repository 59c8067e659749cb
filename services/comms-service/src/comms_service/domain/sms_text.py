"""How phone networks count and write the text of an SMS (3GPP TS 23.038, GSM 03.38)."""

from collections.abc import Iterable

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet, a septet each."""
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Two septets: an escape, and the character."""
_ONE_GSM, _JOINED_GSM, _ONE_UCS2, _JOINED_UCS2 = 160, 153, 70, 67
"""Septets, or UTF-16 units, of a message alone and of a part of a longer one."""
_BLANKS = str.maketrans(dict.fromkeys("\u00a0\u2007\u2009\u202f", " "))


def with_plain_blanks(text: str) -> str:
    """The text with plain blanks for those that do not break, which the default alphabet has not."""
    return text.translate(_BLANKS)


def is_gsm(text: str) -> bool:
    """Whether the default alphabet and its extension have every character."""
    return set(text) <= _GSM | _EXTENDED


def parts(text: str) -> int:
    """How many messages it is sent, and paid for, as. No character is cut in two."""
    if is_gsm(text):
        return _packed([2 if char in _EXTENDED else 1 for char in text], _ONE_GSM, _JOINED_GSM)
    return _packed([2 if ord(char) > 0xFFFF else 1 for char in text], _ONE_UCS2, _JOINED_UCS2)


def _packed(widths: list[int], alone: int, joined: int) -> int:
    return 1 if sum(widths) <= alone else _filled(widths, joined)


def _filled(widths: Iterable[int], room: int) -> int:
    count, left = 1, room
    for width in widths:
        if width > left:
            count, left = count + 1, room
        left -= width
    return count
