"""Checks custom resources against their definitions, which belong to other projects and are data for tests."""

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema.validators import Draft4Validator

from local_stack.layout import WORKSPACE

VARIABLE = "STAGEWRIGHT_CRDS"
MISSING = (
    f"custom resources are not checked: there is no file with their CustomResourceDefinitions; name one in ${VARIABLE} "
    "(ScaledObject, KafkaTopic, PodMonitor, HTTPRoute, ExternalSecret; KafkaUser where you have it)"
)
_BESIDE = "*/*/kubernetes/crds.yaml"


def definitions_file() -> Path | None:
    """What the variable names, else a file in a folder beside the repository."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else next(WORKSPACE.parent.glob(_BESIDE), None)


@cache
def definitions(file: Path) -> Mapping[str, dict[str, Any]]:
    """The CustomResourceDefinitions, by the kind that each defines."""
    loaded = yaml.load_all(file.read_text(), yaml.CSafeLoader)  # noqa: S506 - a safe one
    return {one["spec"]["names"]["kind"]: one for one in loaded if one}


def check_custom(resource: Mapping[str, Any], file: Path) -> None:
    """Raises `jsonschema.ValidationError` for what the definition refuses, unknown fields among it.

    Rules in CEL (`x-kubernetes-validations`) are the API server's alone.
    """
    _check(file, json.dumps(resource, sort_keys=True))


@cache
def _check(file: Path, text: str) -> None:
    """Most resources are the same in many combinations."""
    resource = json.loads(text)
    version = resource["apiVersion"].rpartition("/")[2]
    _validator(file, resource["kind"], version).validate(resource)


@cache
def _validator(file: Path, kind: str, version: str) -> Draft4Validator:
    """OpenAPI's dialect is JSON Schema's of draft 4."""
    (schema,) = (
        one["schema"]["openAPIV3Schema"]
        for one in definitions(file)[kind]["spec"]["versions"]
        if one["name"] == version and one["served"]
    )
    return Draft4Validator(_closed(schema))


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """As the API server reads it where it is asked to be strict: a field that is not named is refused."""
    result = dict(schema)
    if "properties" in schema:
        result["properties"] = {name: _closed(one) for name, one in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            result.setdefault("additionalProperties", False)
    if isinstance(schema.get("additionalProperties"), Mapping):
        result["additionalProperties"] = _closed(schema["additionalProperties"])
    if "items" in schema:
        result["items"] = _closed(schema["items"])
    return result
