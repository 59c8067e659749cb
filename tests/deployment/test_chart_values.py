"""Every setting of every service is reached from values, and no value is without effect."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from contract.openapi import SERVICES
from contracts import acls
from contracts.topics import DEAD_LETTER_TOPICS, TOPICS
from deployment.chart import SECRETS, SECURED, Resource, chart, environment_of, merged, named, of_kind, pod_of, render
from deployment.chart_files import CHART, OWNERS, is_secret, plain_settings, settings_class, settings_of
from deployment.combinations import CLAIM, OTHERS, WORKLOAD, everything
from deployment.deploying_page import values_of_the_page
from local_stack.layout import WORKSPACE


def workloads(service: str, resources: list[Resource]) -> list[Resource]:
    names = ["rule-engine-api", "rule-engine-engine"] if service == "rule-engine" else [service]
    return [*(named(resources, "Deployment", name) for name in names), named(resources, "Job", f"{service}-migrate")]


DOCUMENTED = yaml.safe_load(values_of_the_page())


@pytest.mark.parametrize("values", [SECURED, DOCUMENTED], ids=["secured", "documented"])
@pytest.mark.parametrize("service", SERVICES)
def test_the_service_takes_what_the_chart_gives_it(
    service: str, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for workload in workloads(service, render(values)):
        with monkeypatch.context() as patch:
            for name, value in environment_of(workload).items():
                patch.setenv(name, value if isinstance(value, str) else SECRETS[value["secretKeyRef"]["key"]])
            settings = settings_class(service)()
        assert settings.kafka_user == service
        assert (settings.database_owner_url is not None) == (workload["kind"] == "Job")


def test_the_engine_alone_plans_and_runs() -> None:
    resources = render(SECURED)
    assert environment_of(named(resources, "Deployment", "rule-engine-api"))["API_ONLY"] == "true"
    assert "API_ONLY" not in environment_of(named(resources, "Deployment", "rule-engine-engine"))


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_of_a_service_is_reached(service: str) -> None:
    plain = plain_settings(service)
    given = {name: sample(schema) for name, schema in plain.items()} | {"http_port": 4000}
    resources = render(merged(SECURED, {"services": {service: {"settings": given}}}))
    for workload in workloads(service, resources):
        environment = environment_of(workload)
        for name, value in given.items():
            assert environment[name.upper()].endswith(written(value)), name
    reached = {name for one in workloads(service, resources) for name in environment_of(one)}
    assert {name.upper() for name in settings_of(service)} - reached <= {"API_ONLY"}
    secrets = {name for name, field in settings_of(service).items() if is_secret(field)}
    running = environment_of(workloads(service, resources)[0])
    assert {name for name in secrets if isinstance(running.get(name.upper()), dict)} == secrets - set(OWNERS)


def written(value: Any) -> str:
    match value:
        case list():
            return ",".join(value)
        case dict():
            return ",".join(f"{name}={one}" for name, one in value.items())
        case True:
            return "true"
    return str(value)


def sample(schema: Mapping[str, Any]) -> Any:
    """Something that the schema takes."""
    if "anyOf" in schema:
        return sample(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    several = {"one": "https://one.example.com", "two": "https://two.example.com"}
    kinds = {"string": "something", "boolean": True, "array": ["10.0.0.0/8", "fd00::/8"], "object": several}
    return kinds.get(schema["type"]) or max(schema.get("minimum", 0), 3)


def test_settings_of_all_services_are_those_of_the_kit_and_are_overridden_by_a_service_s_own() -> None:
    values = merged(SECURED, {"settings": {"database_pool": 20}})
    own = merged(values, {"services": {"doc-service": {"settings": {"database_pool": 30}}}})
    pools = {
        one["metadata"]["name"]: environment_of(one)["DATABASE_POOL"] for one in of_kind(render(own), "Deployment")
    }
    assert pools.pop("sw-doc-service") == "30"
    assert set(pools.values()) == {"20"}


FULL = merged(
    everything(),
    {"services": {name: {"externalSecret": {"store": "vault", "from": "crm"}} for name in SERVICES}},
    {"services": {"entity-service": {"files": [CLAIM]}}},
    {"services": {"entity-service": {"workloads": {"all": WORKLOAD}}}},
)


def leaves(
    schema: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every value that the schema names, with its place."""
    if "$ref" in schema:
        schema = schema_of_values()["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema and "$ref" in schema["anyOf"][0]:
        schema = schema_of_values()["$defs"][schema["anyOf"][0]["$ref"].rpartition("/")[2]]
    inner = schema.get("properties")
    if inner:
        for name, one in inner.items():
            yield from leaves(one, (*path, name))
    else:
        yield path, schema


def schema_of_values() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((WORKSPACE / CHART / "values.schema.json").read_text())
    return schema


OTHERWISE: Mapping[str, Any] = {
    "resources": {"requests": {"cpu": "7", "memory": "7Gi"}, "limits": {"memory": "7Gi"}},
    "nodeSelector": {"other": "pool"},
    "tolerations": [{"key": "other", "operator": "Exists"}],
    "podAnnotations": {"other": "annotation"},
    "annotations": {"other": "annotation"},
    "labels": {"other": "label"},
    "environment": {"OTHER": "variable"},
    "hosts": {"other.example.com": ["/"]},
    "files": [{"name": "other", "secret": "other", "path": "/other"}],
    "parentRefs": [{"name": "other"}],
    "from": [{"ipBlock": {"cidr": "10.9.0.0/16"}}],
    "to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}],
    "ports": [4],
    "pullSecrets": ["other"],
    "others": {"other": {"publishes": True}},
    "http_port": 4000,
    "internal_port": 4001,
    "scaling/minReplicas": 4,
    "scaling/maxReplicas": 9,
    "replicas": 5,
    "externalSecret/from": "other",
}


def others(values: Mapping[str, Any], path: tuple[str, ...], schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The values with other ones at this place."""
    known = OTHERWISE.get("/".join(path[-2:]), OTHERWISE.get(path[-1]))
    for other in candidates(schema) if known is None else [known]:
        result = copy.deepcopy(dict(values))
        place = result
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = other
        yield result


def candidates(schema: Mapping[str, Any]) -> list[Any]:
    if "anyOf" in schema:
        return candidates(schema["anyOf"][0])
    if "enum" in schema:
        return list(schema["enum"])
    least = max(schema.get("minimum", 0), 3)
    kinds: dict[str, list[Any]] = {"boolean": [True, False], "string": ["other", "another"], "array": [["other"]]}
    kinds["object"] = [{"other": "https://other.example.com"}]
    return kinds.get(schema["type"], [least, least + 1])


@pytest.mark.verify
def test_no_value_is_without_effect() -> None:
    defaults = yaml.safe_load((WORKSPACE / CHART / "values.yaml").read_text())
    values = merged(defaults, FULL)
    unscaled = merged(values, {"scaling": {"enabled": False}})
    scaled, fixed = rendered(values), rendered(unscaled)
    without_effect = []
    for path, schema in leaves(schema_of_values()):
        if path == ("global",):  # Helm's own
            continue
        by_hand = path[-1] == "replicas" and path[0] == "services"
        base, before = (unscaled, fixed) if by_hand else (values, scaled)
        if all(rendered(one) == before for one in others(base, path, schema)):
            without_effect.append(".".join(path))
    # where every service has one of its own, that of all has no effect
    assert [one for one in without_effect if one not in ("settings.kafka_user",)] == [], without_effect


def rendered(values: Mapping[str, Any]) -> dict[str, str]:
    return chart().render(dict(values), name="sw", namespace="crm")


def test_topics_and_users_are_those_of_the_contracts() -> None:
    resources = render(everything())
    topics = {one["metadata"]["name"]: one["spec"] for one in of_kind(resources, "KafkaTopic")}
    assert topics.keys() == {topic.name for topic in (*TOPICS, *DEAD_LETTER_TOPICS)}
    for topic in (*TOPICS, *DEAD_LETTER_TOPICS):
        assert topics[topic.name]["partitions"] == topic.partitions
        assert topics[topic.name]["config"]["retention.ms"] == topic.retention_ms
    users = {one["metadata"]["name"]: one["spec"]["authorization"]["acls"] for one in of_kind(resources, "KafkaUser")}
    assert users.keys() == {*SERVICES, *OTHERS}
    for service in SERVICES:
        assert len(users[service]) == len(list(acls.of_service(service)))
    may_write = {
        name: {one["resource"]["name"] for one in of if "Write" in one["operations"]} for name, of in users.items()
    }
    assert may_write["billing"] == {"crm.external.events.v1"}
    assert may_write["audit"] == set()
    assert "crm.entity.events.v1" not in may_write["rule-engine"]


def written_by(listed: list[dict[str, Any]]) -> Iterator[str]:
    return (one["resource"]["name"] for one in listed if "Write" in one["operations"])


def test_pods_of_migrations_get_the_owner_s_way_in_and_running_ones_do_not() -> None:
    resources = render(SECURED)
    for service in SERVICES:
        assert "DATABASE_OWNER_URL" in environment_of(named(resources, "Job", f"{service}-migrate"))
        for workload in workloads(service, resources)[:-1]:
            assert "DATABASE_OWNER_URL" not in environment_of(workload)
            assert pod_of(workload)["containers"][0]["args"] == ["run"]
