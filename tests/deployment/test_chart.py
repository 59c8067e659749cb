"""Whatever a platform team chooses, the chart makes what a cluster takes, and keeps what we promise of it."""

from typing import Any

import pytest
from helm_python import HelmError, lint
from jsonschema import ValidationError

from deployment.chart import (
    SECURED,
    Resource,
    Values,
    labels_of,
    merged,
    named,
    of_kind,
    pod_of,
    render,
    selects,
)
from deployment.chart_files import CHART, files
from deployment.combinations import CHOICES, matrix
from deployment.custom_resources import MISSING, check_custom, definitions, definitions_file
from deployment.kubernetes_schemas import check
from local_stack.layout import WORKSPACE

CUSTOM = {"HTTPRoute", "KafkaTopic", "KafkaUser", "ScaledObject", "PodMonitor", "PrometheusRule", "ExternalSecret"}
MATRIX = matrix()
DEFINITIONS = definitions_file()


def test_what_the_code_says_is_committed() -> None:
    for path, text in files().items():
        assert (WORKSPACE / path).read_text() == text, f"{path} is not what the code says: run `make schemas`"


def test_there_are_many_combinations_and_helm_finds_nothing_amiss() -> None:
    assert len(MATRIX) >= 40
    found = lint(WORKSPACE / CHART, values=MATRIX["all"])
    assert [one["error"] for one in found["messages"] if one["severity"] > 1] == []


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_a_combination_is_taken_by_a_cluster_and_keeps_the_promises(values: Values) -> None:
    resources = render(values)
    for one in resources:
        if one["kind"] not in CUSTOM:
            check(one)
        elif DEFINITIONS and one["kind"] in definitions(DEFINITIONS):
            check_custom(one, DEFINITIONS)
        assert one["metadata"]["labels"]["app.kubernetes.io/part-of"] == "stagewright"
    names = [(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one in resources]
    assert len(set(names)) == len(names)
    assert len(list(of_kind(resources, "Deployment"))) == 6
    for workload in of_kind(resources, "Deployment", "Job"):
        is_restricted(pod_of(workload))
    for deployment in of_kind(resources, "Deployment"):
        is_looked_after(deployment, resources)
    is_reached_by_name(resources)
    only_what_is_public_is_routed(resources)
    if values.get("network", {}).get("enabled", True):
        every_port_is_opened_by_name(values, resources)


def test_custom_resources_are_checked() -> None:
    if DEFINITIONS is None:
        pytest.skip(MISSING)
    assert {one["kind"] for one in of_kind(render(MATRIX["all"]), *CUSTOM)} == CUSTOM
    assert CUSTOM - definitions(DEFINITIONS).keys() <= {"KafkaUser"}
    topic = next(of_kind(render(MATRIX["topics"]), "KafkaTopic"))
    with pytest.raises(ValidationError, match="partitionss"):
        check_custom(merged(topic, {"spec": {"partitionss": 12}}), DEFINITIONS)


def is_restricted(pod: Resource) -> None:
    """The profile `restricted` of Kubernetes, a root that is read-only, a tag, and bounds."""
    assert pod["automountServiceAccountToken"] is False
    security = pod["securityContext"]
    assert (security["runAsNonRoot"], security["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
    assert security["runAsUser"] > 0
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    tag = container["image"].rpartition(":")[2]
    assert tag not in ("", "latest")
    assert "/" not in tag
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert "memory" in container["resources"]["limits"]
    secret = [one for one in container["env"] if one["name"] in ("DATABASE_URL", "SECRETS_KEY", "SMTP_URL")]
    assert all("secretKeyRef" in one["valueFrom"] for one in secret)


def is_looked_after(deployment: Resource, resources: list[Resource]) -> None:
    """Probed at a port that it has, spread, drained, and not all evicted at once."""
    pod, labels = pod_of(deployment), labels_of(deployment)
    (container,) = pod["containers"]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert len(set(ports.values())) == len(ports) == 2
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == "internal"
    environment = {one["name"]: one.get("value") for one in container["env"]}
    assert (environment["HTTP_PORT"], environment["INTERNAL_PORT"]) == (str(ports["http"]), str(ports["internal"]))
    slowest = container["lifecycle"]["preStop"]["sleep"]["seconds"] + 2 * float(environment["DRAIN_S"] or 0)
    assert pod["terminationGracePeriodSeconds"] > slowest
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert all(selects(one["labelSelector"], labels) for one in pod["topologySpreadConstraints"])
    budgets = [one for one in of_kind(resources, "PodDisruptionBudget") if selects(one["spec"]["selector"], labels)]
    assert len(budgets) == 1
    scaled = [one["spec"] for one in of_kind(resources, "ScaledObject")]
    scalers = [one for one in scaled if one["scaleTargetRef"]["name"] == deployment["metadata"]["name"]]
    assert ("replicas" in deployment["spec"]) == (not scalers)
    assert all(0 < one["minReplicaCount"] <= one["maxReplicaCount"] <= 12 for one in scalers)


def is_reached_by_name(resources: list[Resource]) -> None:
    """Each Service leads to one Deployment and to a port that it has, and so do the addresses of other services."""
    deployments = list(of_kind(resources, "Deployment"))
    ports: dict[str, int] = {}
    for service in of_kind(resources, "Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        (target,) = (one for one in deployments if selects(selector, labels_of(one)))
        (port,) = service["spec"]["ports"]
        offered = {one["name"]: one["containerPort"] for one in pod_of(target)["containers"][0]["ports"]}
        assert offered[port["targetPort"]] == port["port"]
        ports[service["metadata"]["name"]] = port["port"]
    for deployment in deployments:
        for variable in pod_of(deployment)["containers"][0]["env"]:
            if variable["name"].endswith("_SERVICE_URL"):
                host, _, port = variable["value"].removeprefix("http://").partition(":")
                assert host.endswith("-internal")
                assert ports[host] == int(port)


def only_what_is_public_is_routed(resources: list[Resource]) -> None:
    for route in of_kind(resources, "HTTPRoute"):
        backends = [one["name"] for rule in route["spec"]["rules"] for one in rule["backendRefs"]]
        assert not [name for name in backends if name.endswith("-internal")]
    for ingress in of_kind(resources, "Ingress"):
        paths = [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
        assert {one["backend"]["service"]["port"]["name"] for one in paths} == {"http"}


def every_port_is_opened_by_name(values: Values, resources: list[Resource]) -> None:
    """Nothing is open by default; what listens and what is called is opened by a policy that says so."""
    policies = list(of_kind(resources, "NetworkPolicy"))
    denying = named(resources, "NetworkPolicy", "deny-all")["spec"]
    assert "ingress" not in denying
    assert "egress" not in denying
    for workload in of_kind(resources, "Deployment", "Job"):
        labels = labels_of(workload)
        assert selects(denying["podSelector"], labels)
        out = {
            port for one in policies if selects(one["spec"]["podSelector"], labels) for port in _ports(one, "egress")
        }
        assert {53, 5432} <= out
        if workload["kind"] == "Deployment":
            assert 9093 in out
            assert (7233 in out) == (labels["app.kubernetes.io/component"] == "rule-engine-engine")
    serving = {one["metadata"]["name"]: one["spec"]["selector"] for one in of_kind(resources, "Service")}
    for name, selector in serving.items():
        port = "internal" if name.endswith("-internal") else "http"
        opened = [
            one for one in policies if selects(one["spec"]["podSelector"], selector) and port in _ports(one, "ingress")
        ]
        called = "rule-engine" not in name or port == "http"
        assert bool(opened) == (
            called or bool(values["network"].get("operators") or values["network"].get("monitoring"))
        )


def _ports(policy: Resource, way: str) -> set[Any]:
    return {port["port"] for rule in policy["spec"].get(way, ()) for port in rule["ports"]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"image": {"tag": "latest"}}, "tag"),
        ({"imagee": {}}, "imagee"),
        ({"settings": {"kafka_tsl": True}}, "kafka_tsl"),
        ({"settings": {"database_pool": 1}}, "database_pool"),
        ({"services": {"entity-service": {"settings": {"temporal_address": "x:1"}}}}, "temporal_address"),
        ({"services": {"rule-engine": {"workloads": {"engine": {"replicas": 13}}}}}, "replicas"),
        ({"files": [{"name": "a", "path": "/a"}]}, "files"),
        ({"settings": {"http_port": 8001}}, "two ports"),
        ({"services": {"doc-service": {"settings": {"files_url": None}}}}, "object store"),
        ({"gateway": {"enabled": True}}, "parentRefs"),
        ({"scaling": {"enabled": True}}, "prometheus"),
        ({"strimzi": {"topics": True}}, "cluster"),
        (
            {"strimzi": {"users": True, "cluster": "kafka"}, "services": {"doc-service": {"secret": "rule-engine"}}},
            "Strimzi writes",
        ),
        (
            {"services": {"doc-service": {"workloads": {"all": {"scaling": {"minReplicas": 5, "maxReplicas": 4}}}}}},
            "above maxReplicas",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(change: Values, says: str) -> None:
    with pytest.raises(HelmError, match=says):
        render(merged(SECURED, change))


def test_nothing_that_an_upgrade_may_not_change_depends_on_a_version_or_a_choice() -> None:
    selectors = {
        str({one["metadata"]["name"]: one["spec"]["selector"] for one in of_kind(render(values), "Deployment")})
        for values in (MATRIX["none"], MATRIX["all"], MATRIX["pull-secrets"], MATRIX["workload"])
    }
    assert len(selectors) == 1
    assert "scaling" in CHOICES
