"""Parsing and rendering texts."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from liquid.exceptions import (
    LiquidError,
)

from contracts.budget import current
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.functions import inside
from rule_engine.domain.language.templates.analysis import Text, analysed
from rule_engine.domain.language.templates.environment import ENVIRONMENT, HTML_ENVIRONMENT
from rule_engine.domain.language.templates.source import MAX_SOURCE, markups, parsing_cost, spelled


def parse(source: str, *, html: bool = False) -> Text:
    """Raises `ValueFailureError` for a text that cannot be rendered whatever the values.

    Spends what it costs, also when the text is known already: a decision must not depend on what was done before.
    """
    if len(source) > MAX_SOURCE:
        raise ValueFailureError(f"is longer than {MAX_SOURCE} characters")
    current().spend(parsing_cost(source), "texts")
    return parsed(source, html)


@lru_cache(maxsize=512)
def parsed(source: str, html: bool) -> Text:
    try:
        environment = HTML_ENVIRONMENT if html else ENVIRONMENT
        return analysed(environment.from_string(spelled(source, list(markups(source)))))
    except LiquidError as error:
        raise ValueFailureError(_words(error)) from error
    except RecursionError as error:
        raise ValueFailureError("is nested too deeply") from error


def _words(error: LiquidError) -> str:
    return str(error.message).replace("is undefined", "is unknown")


def render(source: str, values: Mapping[str, Any], *, html: bool = False) -> str:
    """The text with values in it; in HTML they are escaped. Raises `ValueFailureError` that says why it cannot be."""
    if "{" not in source:
        return source
    try:
        with inside(values):
            return str(parse(source, html=html).template.render(values))
    except LiquidError as error:
        raise ValueFailureError(_words(error)) from error
    except RecursionError as error:
        raise ValueFailureError("is nested too deeply") from error
