"""The commands and values of docs/deploying.md, as a reader copies them."""

import re

from local_stack.layout import WORKSPACE


def values_of_the_page() -> str:
    """`my-values.yaml`."""
    (found,) = _blocks("yaml")
    return found


def commands_of_the_page() -> list[str]:
    """Its blocks of shell commands, in order."""
    return _blocks("")


def _blocks(language: str) -> list[str]:
    page = (WORKSPACE / "docs/deploying.md").read_text()
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [text for of, text in fenced if of == language]
