"""One example for each block that authors write, `<block>.yaml`: a test publishes it, the catalogue page shows it."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Issue(Part):
    """What is written otherwise, and a part of what is said of it when it is published."""

    params: dict[str, Any]
    says: str


class Example(Part):
    """`outputs` are the names that later blocks can use."""

    title: str
    block: dict[str, Any]
    outputs: tuple[str, ...] = ()
    issue: Issue


def load_examples() -> Mapping[str, Example]:
    """By type of block."""
    folder = files(__name__)
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".yaml")), key=lambda each: each.name)
    return {each.name.removesuffix(".yaml"): Example.model_validate(yaml.safe_load(each.read_text())) for each in found}
