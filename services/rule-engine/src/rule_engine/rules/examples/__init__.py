"""One example for each rule type, `<type>.yaml`: what an author writes, and what comes of it.

The catalogue page shows them, and a test plays them all on one running stack, so page and test cannot part.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Effect(Part):
    """Where to look: `get` of the service; `{item}` in it is the item's id. `as`: an employee's code."""

    service: str
    get: str
    reader: str = Field(default="manager", alias="as")


class Issue(Part):
    """Parameters that are refused at publishing, and a part of what is said of them."""

    params: dict[str, Any]
    says: str


class Refusal(Part):
    """An item for which the effect's owner refuses, and a part of its reason."""

    item: dict[str, Any]
    reason: str


class Rule(Part):
    """A rule beside the example's, in the same chain."""

    name: str
    type: str
    params: dict[str, Any]


class Example(Part):
    """`shows` is a part of the answer of `effect`: of mappings the named keys, of lists at least these elements.

    `lacks` is what is no part of it. `{item}` in them is the item's id, `{manager}` that of the employee of this code.
    """

    title: str
    before: tuple[Rule, ...] = ()
    params: dict[str, Any]
    after: tuple[Rule, ...] = ()
    effect: Effect
    shows: dict[str, Any] = Field(default_factory=dict)
    lacks: dict[str, Any] = Field(default_factory=dict)
    issue: Issue
    refusal: Refusal | None = None


def load_examples() -> Mapping[str, Example]:
    """By rule type."""
    folder = files(__name__)
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".yaml")), key=lambda each: each.name)
    return {each.name.removesuffix(".yaml"): Example.model_validate(yaml.safe_load(each.read_text())) for each in found}
