"""The chart on a real API server: checked, installed, upgraded, rolled back, scaled, evicted and uninstalled."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from contract.openapi import SERVICES
from deployment.chart import NAMESPACE, RELEASE, SECURED, Resource, merged, render
from deployment.combinations import everything, matrix
from deployment.control_plane import NODES, RESTRICTED, ControlPlane
from deployment.helm_release import Release

pytestmark = pytest.mark.kubernetes

EVERYTHING = merged(everything(), {"strimzi": {"namespace": ""}})
IMAGES = SECURED["image"]["repository"]
IMPLIED = ("endpoints", "events", "events.events.k8s.io")
"""Kinds that a cluster makes of others."""
OURS = "--selector=app.kubernetes.io/part-of=stagewright"


def namespace(name: str) -> Resource:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}


@pytest.fixture
def release(cluster: ControlPlane) -> Iterator[Release]:
    """In a namespace where only Pods of the profile `restricted` may run."""
    name = f"crm-{uuid4().hex[:8]}"
    cluster.apply([namespace(name)])
    yield Release(cluster, name)
    cluster.run("kubectl", "delete", "namespace", name, "--wait=false")


def test_every_combination_is_taken_by_the_api_server(cluster: ControlPlane) -> None:
    cluster.apply([namespace(NAMESPACE), namespace("kafka")])
    rendered = [one for values in matrix().values() for one in render(values)]
    distinct = {json.dumps(one, sort_keys=True) for one in rendered}
    said = cluster.apply((json.loads(one) for one in distinct), "--dry-run=server", "--validate=strict")
    assert said.count("serverside-applied") == len(distinct)


def test_migrations_end_before_anything_runs(release: Release) -> None:
    release.install(EVERYTHING)
    events = sorted(release.get("events"), key=lambda one: int(one["metadata"]["resourceVersion"]))
    reasons = [one["reason"] for one in events if one["involvedObject"]["kind"] in ("Job", "Deployment")]
    assert reasons.count("Completed") == 5
    assert "ScalingReplicaSet" not in reasons[: len(reasons) - reasons[::-1].index("Completed")]
    assert release.get("jobs") == []
    for deployment in release.deployments().values():
        assert deployment["status"]["availableReplicas"] == deployment["spec"]["replicas"]


def test_an_upgrade_replaces_pods_and_keeps_selectors_and_a_rollback_brings_back_what_was(release: Release) -> None:
    release.install(SECURED)
    before = release.deployments()
    release.install(merged(EVERYTHING, {"image": {"tag": "1.2.3"}}))
    after = release.deployments()
    assert selectors(after) == selectors(before)
    assert {image(one) for one in after.values()} == {
        f"registry.example.com/stagewright/{one}:1.2.3" for one in SERVICES
    }
    release.helm("rollback", "1", "--wait", "--timeout=5m")
    assert {name: one["spec"] for name, one in release.deployments().items()} == {
        name: one["spec"] for name, one in before.items()
    }


def test_an_upgrade_whose_migration_does_not_end_leaves_what_runs_alone(release: Release) -> None:
    release.install(SECURED)
    before = release.deployments()
    release.cluster.run("kubectl", "cordon", *NODES)
    try:
        said = release.refuses(merged(SECURED, {"image": {"tag": "1.2.3"}, "migrations": {"deadlineSeconds": 1}}))
    finally:
        release.cluster.run("kubectl", "uncordon", *NODES)
    assert "pre-upgrade hooks failed" in said
    (job,) = release.get("jobs")
    assert job["status"]["conditions"][-1]["reason"] == "DeadlineExceeded"
    assert release.deployments() == before
    release.install(SECURED)


def test_a_misspelt_value_is_refused_and_changes_nothing(release: Release) -> None:
    release.install(SECURED)
    said = release.refuses(merged(SECURED, {"settings": {"kafka_tsl": True}}))
    assert "kafka_tsl" in said
    assert release.helm("history", "--output=json").count('"revision"') == 1


def test_values_scale_a_workload(release: Release) -> None:
    release.install(SECURED)
    release.install(merged(SECURED, {"services": {"rule-engine": {"workloads": {"engine": {"replicas": 4}}}}}))
    assert len(release.pods("rule-engine-engine")) == 4
    assert len(release.pods("rule-engine-api")) == 2


def test_a_second_pod_is_not_evicted_before_the_first_is_replaced(release: Release) -> None:
    release.install(SECURED)
    first, second = release.pods("entity-service")
    release.cluster.run("kubectl", "cordon", *NODES)
    try:
        assert release.evict(first) == ""
        assert "disruption budget" in release.evict(second)
    finally:
        release.cluster.run("kubectl", "uncordon", *NODES)
    release.kubectl("rollout", "status", f"deployment/{RELEASE}-entity-service", "--timeout=30s")
    assert release.evict(second) == ""


def test_uninstalling_leaves_topics_and_external_secrets_which_the_next_release_takes_over(release: Release) -> None:
    release.install(EVERYTHING)
    release.helm("uninstall", "--wait", "--timeout=5m")
    kinds = release.cluster.run("kubectl", "api-resources", "--namespaced", "--verbs=list", "--output=name").split()
    left = release.get(",".join(kind for kind in kinds if kind not in IMPLIED), OURS)
    assert {one["kind"] for one in left} == {"ExternalSecret", "KafkaTopic"}
    release.install(EVERYTHING)


def selectors(deployments: dict[str, Resource]) -> dict[str, Any]:
    return {name: one["spec"]["selector"] for name, one in deployments.items()}


def image(deployment: Resource) -> str:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    named: str = container["image"]
    return named
