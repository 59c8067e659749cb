"""The schema of the chart's values: closed at every level, settings as the code has them."""

from collections.abc import Mapping
from typing import Any

type Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
SWITCH: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 1}
ANYTHING: Schema = {"type": "object"}
NAME: Schema = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
LABELS: Schema = {"type": "object", "additionalProperties": TEXT}
VARIABLES: Schema = {
    "type": "object",
    "propertyNames": {"pattern": "^[A-Z][A-Z0-9_]*$"},
    "additionalProperties": TEXT,
}


def closed(**properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def demanding(schema: Schema, *names: str) -> Schema:
    return schema | {"required": list(names)}


def some(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def values_schema(shared: Mapping[str, Schema], own: Mapping[str, Mapping[str, Schema]], events: list[str]) -> Schema:
    """`shared` are settings of all services, `own` those of each, `events` the topics that others may read."""
    opening = closed(ports=some({"type": "integer"}), to=some(ANYTHING))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"workload": _workload(), "file": _file(), "externalSecret": _external_secret()},
        **closed(
            **{"global": ANYTHING},
            image=_image(),
            settings=closed(**shared),
            files=some({"$ref": "#/$defs/file"}),
            services=closed(**{service: _service(service, settings) for service, settings in own.items()}),
            migrations=closed(enabled=SWITCH, deadlineSeconds=COUNT, resources=ANYTHING),
            gateway=closed(enabled=SWITCH, parentRefs=some(ANYTHING)),
            ingress=closed(enabled=SWITCH, className=TEXT, annotations=LABELS, tlsSecret=TEXT),
            network=closed(
                enabled=SWITCH,
                **{name: closed(**{"from": some(ANYTHING)}) for name in ("http", "operators", "monitoring")},
                **dict.fromkeys(("dns", "kafka", "postgres", "temporal", "smtp", "traces", "https"), opening),
            ),
            strimzi=_strimzi(events),
            scaling=closed(
                enabled=SWITCH, prometheus=TEXT, lag=COUNT, outboxSeconds=COUNT, overdueRuns=COUNT, workSeconds=COUNT
            ),
            alerts=closed(enabled=SWITCH, labels=LABELS, runbooks={"type": "string", "minLength": 1}),
            podMonitor=closed(enabled=SWITCH, interval=TEXT, labels=LABELS),
            dashboards=closed(enabled=SWITCH, labels=LABELS, annotations=LABELS),
        ),
    }


def _image() -> Schema:
    return closed(
        repository={"type": "string", "minLength": 1},
        tag={"type": "string", "not": {"const": "latest"}},
        pullPolicy={"enum": ["Always", "IfNotPresent", "Never"]},
        pullSecrets=some(NAME),
    )


def _service(service: str, settings: Mapping[str, Schema]) -> Schema:
    workloads = ("api", "engine") if service == "rule-engine" else ("all",)
    return closed(
        secret=NAME,
        externalSecret=nullable({"$ref": "#/$defs/externalSecret"}),
        hosts={"type": "object", "additionalProperties": some({"type": "string", "pattern": "^/"})},
        settings=closed(**settings),
        files=some({"$ref": "#/$defs/file"}),
        environment=VARIABLES,
        environmentSecret=TEXT,
        workloads=closed(**{name: {"$ref": "#/$defs/workload"} for name in workloads}),
    )


def _workload() -> Schema:
    twelve = {"type": "integer", "minimum": 1, "maximum": 12}
    return closed(
        replicas=twelve,
        resources=ANYTHING,
        nodeSelector=LABELS,
        tolerations=some(ANYTHING),
        priorityClassName=TEXT,
        podAnnotations=LABELS,
        scaling=closed(minReplicas=twelve, maxReplicas=twelve),
    )


def _file() -> Schema:
    kinds = [{"required": [kind]} for kind in ("secret", "configMap", "claim")]
    properties = {"name": NAME, "secret": NAME, "configMap": NAME, "claim": NAME}
    return demanding(closed(**properties, path={"type": "string", "pattern": "^/"}), "name", "path") | {"oneOf": kinds}


def _external_secret() -> Schema:
    store = {"enum": ["SecretStore", "ClusterSecretStore"]}
    properties = {"store": NAME, "storeKind": store, "from": TEXT, "refreshInterval": TEXT}
    return demanding(closed(**properties), "store", "from")


def _strimzi(events: list[str]) -> Schema:
    other = closed(publishes=SWITCH, reads=some({"enum": events}))
    return closed(
        topics=SWITCH,
        users=SWITCH,
        cluster=TEXT,
        namespace=TEXT,
        replicas=COUNT,
        minInsyncReplicas=COUNT,
        authentication={"enum": ["scram-sha-512", "tls"]},
        others={"type": "object", "propertyNames": NAME, "additionalProperties": other},
    )
