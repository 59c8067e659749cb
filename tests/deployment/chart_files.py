"""What the chart takes from the code: settings, topics, access lists, who calls whom, schema of values, dashboards.

`make schemas` writes `deploy/chart/generated`, `deploy/chart/dashboards` and `deploy/chart/values.schema.json`; a test
compares.
"""

import copy
import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from contract.openapi import SERVICES
from contracts import acls
from contracts.kit.settings import ServiceSettings
from contracts.service_calls import called_by
from contracts.topics import DEAD_LETTER_TOPICS, TOPICS, Topic
from deployment.alerts.files import rule_files
from deployment.dashboards.files import dashboards
from deployment.values_schema import values_schema
from local_stack.layout import WORKSPACE

CHART = Path("deploy/chart")
HEADER = "# Written by `make schemas` from the code.\n"
OWNERS = ("database_owner_url",)
"""Secrets that only `migrate` is given."""
OF_THE_CHART = ("api_only",)
"""What a workload is, rather than what somebody says of it."""


def settings_class(service: str) -> type[ServiceSettings]:
    kind: type[ServiceSettings] = import_module(f"{_variable(service)}.settings").Settings
    return kind


def settings_of(service: str) -> Mapping[str, FieldInfo]:
    return settings_class(service).model_fields


def is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


def secrets_of(service: str) -> list[dict[str, Any]]:
    """Keys of the service's Secret."""
    found = [(name, field) for name, field in settings_of(service).items() if is_secret(field)]
    return [
        {"key": name.upper(), "required": field.is_required() or name in OWNERS, "owner": name in OWNERS}
        for name, field in found
    ]


def plain_settings(service: str) -> dict[str, Any]:
    """The JSON Schemas of what is said in values, by name."""
    schema = settings_class(service).model_json_schema()
    closed = schema["properties"]
    plain = {name: closed[name] for name, field in settings_of(service).items() if not is_secret(field)}
    kept = {name: copy.deepcopy(one) for name, one in plain.items() if name not in OF_THE_CHART}
    return {name: _as_values(one, schema.get("$defs", {})) for name, one in kept.items()}


def _as_values(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Without defaults, which are the code's, and in one piece."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    kept: dict[str, Any] = {key: schema[key] for key in ("type", "enum", "minimum", "maximum") if key in schema}
    if "anyOf" in schema:
        kept["anyOf"] = [_as_values(option, definitions) for option in schema["anyOf"]]
    if schema.get("type") == "array":
        kept["items"] = {"type": "string"}
    if schema.get("type") == "object":
        kept["additionalProperties"] = {"type": "string"}
    return kept


def services() -> dict[str, Any]:
    return {
        service: {
            "secrets": secrets_of(service),
            "settings": sorted(plain_settings(service)),
            "calls": sorted(one for one in called_by(service) if f"{_variable(one)}_url" in settings_of(service)),
            "calledBy": sorted(one for one in SERVICES if service in called_by(one)),
            "consumes": sorted(topic.name for topic in TOPICS if service in topic.groups),
        }
        for service in SERVICES
    }


def _variable(service: str) -> str:
    return service.replace("-", "_")


def topics() -> dict[str, Any]:
    return {"topics": [_topic(topic) for topic in (*TOPICS, *DEAD_LETTER_TOPICS)]}


def _topic(topic: Topic) -> dict[str, Any]:
    return {"name": topic.name, "partitions": topic.partitions, "retentionMs": topic.retention_ms}


def access() -> dict[str, Any]:
    return {
        "users": {service: [_acl(one) for one in acls.of_service(service)] for service in SERVICES},
        "external": [_acl(one) for one in acls.of_others("", ())],
        "events": [topic.name for topic in acls.event_topics()],
    }


def _acl(acl: acls.Acl) -> dict[str, Any]:
    """As Strimzi writes it."""
    pattern = "prefix" if acl.prefixed else "literal"
    return {
        "resource": {"type": acl.kind, "name": acl.name, "patternType": pattern},
        "operations": list(acl.operations),
    }


def files() -> dict[Path, str]:
    """Every generated file of the chart, and the alerts, which are of use without it, too."""
    shared = plain_settings_of_all()
    own = {service: plain_settings(service) for service in SERVICES}
    schema = values_schema(shared, own, [topic.name for topic in acls.event_topics()])
    generated = {"services": services(), "topics": topics(), "access": access()}
    return {
        **{CHART / "generated" / f"{name}.yaml": HEADER + yaml.safe_dump(data) for name, data in generated.items()},
        CHART / "values.schema.json": json.dumps(schema, indent=2) + "\n",
        **rule_files(),
        **dashboards(),
    }


def plain_settings_of_all() -> dict[str, Any]:
    """Those that every service has."""
    return {name: one for name, one in plain_settings(SERVICES[0]).items() if name in ServiceSettings.model_fields}


def main() -> None:
    for file, text in files().items():
        (WORKSPACE / file).parent.mkdir(parents=True, exist_ok=True)
        (WORKSPACE / file).write_text(text)


if __name__ == "__main__":
    main()
