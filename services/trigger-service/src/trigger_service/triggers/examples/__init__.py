"""One example for each trigger type, `<type>.yaml`, which a test plays on one running stack."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict


class Example(BaseModel):
    """`given` says of an occurrence what moves an item, `passed_over` what leaves it where it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    settings: dict[str, Any]
    condition: dict[str, Any]
    given: dict[str, Any]
    passed_over: dict[str, Any]


def load_examples() -> Mapping[str, Example]:
    """By trigger type."""
    folder = files(__name__)
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".yaml")), key=lambda each: each.name)
    return {each.name.removesuffix(".yaml"): Example.model_validate(yaml.safe_load(each.read_text())) for each in found}
