"""The chart, rendered in this process, and values for it."""

import base64
import copy
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml
from helm_python import Chart

from deployment.chart_files import CHART
from local_stack.layout import WORKSPACE

type Values = dict[str, Any]
type Resource = dict[str, Any]

RELEASE, NAMESPACE = "sw", "crm"

SECURED: Values = {
    "image": {"repository": "registry.example.com/stagewright"},
    "settings": {
        "kafka_bootstrap": "kafka-0.example.com:9093,kafka-1.example.com:9093",
        "kafka_tls": True,
        "kafka_ca_file": "/etc/kafka/ca.crt",
        "kafka_sasl": "SCRAM-SHA-512",
        "kafka_secret_file": "/etc/kafka-user/password",
        "auth_jwks_url": "https://id.example.com/keys",
        "auth_issuer": "https://id.example.com",
        "auth_audience": "stagewright",
        "service_tokens_dir": "/etc/tokens",
    },
    "files": [{"name": "kafka-ca", "secret": "kafka-ca", "path": "/etc/kafka"}],
    "network": {"http": {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateway"}}}]}},
    "services": {
        "entity-service": {
            "settings": {"kafka_user": "entity-service", "public_entity_url": "https://entities.example.com"},
            "hosts": {"entities.example.com": ["/v1/", "/hooks/", "/calendars/"]},
        },
        "rule-engine": {
            "settings": {
                "kafka_user": "rule-engine",
                "temporal_address": "temporal.example.com:7233",
                "temporal_tls": True,
            },
            "hosts": {"rules.example.com": ["/v1/"]},
        },
        "doc-service": {
            "settings": {
                "kafka_user": "doc-service",
                "files_url": "s3://documents/files",
                "public_doc_url": "https://docs.example.com",
            },
            "hosts": {"docs.example.com": ["/v1/", "/d/", "/q/"]},
        },
        "comms-service": {
            "settings": {
                "kafka_user": "comms-service",
                "sms_url": "https://sms.example.com",
                "public_comms_url": "https://comms.example.com",
            },
            "hosts": {"comms.example.com": ["/v1/", "/public/"]},
        },
        "trigger-service": {
            "settings": {"kafka_user": "trigger-service"},
            "hosts": {"forms.example.com": ["/v1/", "/f/", "/hooks/"]},
        },
    },
}
"""A whole installation, as docs/deploying.md has it."""


SECRETS = {
    "DATABASE_URL": "postgresql://app@db.example.com/x?sslmode=verify-full",
    "DATABASE_OWNER_URL": "postgresql://owner@db.example.com/x?sslmode=verify-full",
    "SMTP_URL": "smtps://user:word@smtp.example.com",
    "SMS_TOKEN": "token",
    "SMS_RECEIPT_SECRET": "whsec_" + base64.b64encode(b"unused" * 5).decode(),
    "SECRETS_KEY": "A" * 43,
    "CHALLENGE_SECRET": "secret",
}
"""Something for every key of the services' Secrets."""


def merged(base: Mapping[str, Any], *changes: Mapping[str, Any]) -> Values:
    """Maps are merged, everything else is replaced."""
    result = copy.deepcopy(dict(base))
    for change in changes:
        for name, value in change.items():
            both = isinstance(value, Mapping) and isinstance(result.get(name), Mapping)
            result[name] = merged(result[name], value) if both else copy.deepcopy(value)
    return result


@cache
def chart() -> Chart:
    return Chart.load(WORKSPACE / CHART)


def render(values: Values) -> list[Resource]:
    """As `helm install` would make them. Raises `HelmError` for values that are refused."""
    rendered = chart().render(values, name=RELEASE, namespace=NAMESPACE)
    texts = [text for name, text in rendered.items() if name.endswith(".yaml")]
    return [one for text in texts for one in yaml.load_all(text, yaml.CSafeLoader) if one]  # noqa: S506 - a safe one


def of_kind(resources: list[Resource], *kinds: str) -> Iterator[Resource]:
    return (one for one in resources if one["kind"] in kinds)


def named(resources: list[Resource], kind: str, name: str) -> Resource:
    (found,) = (one for one in of_kind(resources, kind) if one["metadata"]["name"] == f"{RELEASE}-{name}")
    return found


def pod_of(workload: Resource) -> Resource:
    pod: Resource = workload["spec"]["template"]["spec"]
    return pod


def environment_of(workload: Resource) -> dict[str, Any]:
    """By name: a text, or the Secret's key."""
    (container,) = pod_of(workload)["containers"]
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}


def labels_of(workload: Resource) -> dict[str, str]:
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector, of the forms that the chart uses, matches."""
    for one in selector.get("matchExpressions", ()):
        assert one["operator"] == "NotIn"
        if labels.get(one["key"]) in one["values"]:
            return False
    return bool(selector.get("matchLabels", {}).items() <= labels.items())
