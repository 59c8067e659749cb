"""Checks resources against Kubernetes' own schemas, each read once: the definitions that they share are large."""

import json
from functools import cache
from typing import Any

from jsonschema.validators import Draft202012Validator
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

VERSION = "1.36"
FOLDER = f"kubernetes-json-schema/v{VERSION}.0-local-strict"


def check(resource: dict[str, Any]) -> None:
    """Raises `jsonschema.ValidationError` for what Kubernetes refuses, unknown fields among it."""
    group, _, version = resource["apiVersion"].rpartition("/")
    api_version = f"{group.partition('.')[0]}-{version}" if group else version
    _check(f"{resource['kind'].lower()}-{api_version}.json", json.dumps(resource, sort_keys=True))


@cache
def _check(schema: str, resource: str) -> None:
    """Most resources are the same in many combinations."""
    _validator(schema).validate(json.loads(resource))


@cache
def _validator(schema: str) -> Draft202012Validator:
    contents = schema_contents(f"{FOLDER}/{schema}", VERSION)
    return Draft202012Validator(contents, registry=Resource.from_contents(contents) @ _definitions())


@cache
def _definitions() -> Registry[Any]:
    return Resource.from_contents(schema_contents(f"{FOLDER}/_definitions.json", VERSION)) @ Registry()
