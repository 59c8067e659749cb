"""The text part of an HTML mail: paragraphs, lists, tables and the addresses of links, for readers without HTML.

The layout of tables pads every line to the widest one, so what it would take is bounded before it begins; HTML beyond
the bounds gives its words only.
"""

import html
import re

import nh3
from inscriptis import get_text
from inscriptis.model.config import ParserConfig

MAX_HTML = 100_000
"""Characters of cleaned HTML that are laid out: about a quarter of a second."""
MAX_DEPTH = 100
"""Elements inside one another; the parser gives nothing for more than 256."""
MAX_AREA = 5_000_000
"""Lines, at most, times characters of text."""
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)[^>]*>")
_VOID = frozenset(("area", "br", "col", "hr", "img", "wbr"))
_LINKS = ParserConfig(display_links=True)


def text_of(cleaned: str) -> str:
    """The text of HTML that `nh3` wrote: every element is closed."""
    words = html.unescape(nh3.clean(cleaned, tags=set())).strip()
    if not _can_be_laid_out(cleaned, words):
        return words
    laid_out = get_text(cleaned, _LINKS)
    return "\n".join(line.rstrip() for line in laid_out.splitlines()).strip("\n") or words


def _can_be_laid_out(cleaned: str, words: str) -> bool:
    if not cleaned.strip() or len(cleaned) > MAX_HTML:
        return False
    depth = deepest = lines = 0
    for closing, name in _TAG.findall(cleaned):
        lines += 1
        if name not in _VOID:
            depth += -1 if closing else 1
            deepest = max(deepest, depth)
    return deepest <= MAX_DEPTH and ("<table" not in cleaned or (lines + words.count("\n")) * len(words) <= MAX_AREA)
