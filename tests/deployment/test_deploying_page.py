"""The commands of docs/deploying.md, in the page's order and with the page's values, on a real API server."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from contract.openapi import SERVICES
from deployment.chart import SECRETS
from deployment.chart_files import secrets_of, services
from deployment.control_plane import ControlPlane
from deployment.deploying_page import commands_of_the_page, values_of_the_page
from local_stack.layout import WORKSPACE

pytestmark = pytest.mark.kubernetes

IN_IT = "--namespace=crm"
OURS = "--selector=app.kubernetes.io/part-of=stagewright"
BY_OTHERS = {
    "kafka-cluster-ca-cert": ["ca.crt"],
    **{service: ["password"] for service in SERVICES},
    **{f"{service}-tokens": said["calls"] for service, said in services().items() if said["calls"]},
}
"""Secrets that the page expects to be there, with their keys."""


def test_the_commands_of_the_page_do_what_it_says(cluster: ControlPlane, tmp_path: Path) -> None:
    images, acls, namespace, secrets, install, upgrade, restart, rollback, uninstall, leftovers = commands_of_the_page()
    assert "podman build" in images  # needs no cluster: `make images`
    write_files_of_the_reader(tmp_path)

    def type_in(commands: str) -> str:
        return cluster.run("bash", "-euo", "pipefail", "-c", commands, folder=tmp_path)

    assert type_in(acls).count("kafka-acls.sh") > 20
    type_in(namespace)
    for name, keys in BY_OTHERS.items():
        cluster.run("kubectl", "create", "secret", "generic", name, IN_IT, *(f"--from-literal={key}=x" for key in keys))
    type_in(secrets)
    assert type_in(install).count("Running") == 12
    known = {one["metadata"]["name"]: one["data"].keys() for one in cluster.get("secrets", IN_IT)}
    for pod in cluster.get("pods", IN_IT, OURS):
        assert list(missing(pod["spec"], known)) == []
    type_in(upgrade)
    assert tags(cluster) == {"0.0.1"}
    before = {pod["metadata"]["name"] for pod in cluster.get("pods", IN_IT)}
    type_in(restart)
    assert before.isdisjoint(pod["metadata"]["name"] for pod in cluster.get("pods", IN_IT) if is_staying(pod))
    type_in(rollback)
    assert tags(cluster) == {"0.0.0"}
    type_in(uninstall)
    type_in(leftovers)
    assert cluster.get("deployments,services,jobs,networkpolicies,httproutes,externalsecrets", IN_IT) == []
    assert {one["metadata"]["name"] for one in cluster.get("secrets", IN_IT)} == known.keys() - releases(known)


def write_files_of_the_reader(folder: Path) -> None:
    """The repository's chart, the values, and each service's secrets."""
    (folder / "deploy").symlink_to(WORKSPACE / "deploy")
    (folder / "my-values.yaml").write_text(values_of_the_page())
    for service in SERVICES:
        lines = [f"{one['key']}={SECRETS[one['key']]}\n" for one in secrets_of(service) if one["required"]]
        (folder / f"{service}.env").write_text("".join(lines))


def missing(pod: Mapping[str, Any], known: Mapping[str, Collection[str]]) -> Iterator[str]:
    """What the Pod names of Secrets that are not there, or have no such key."""
    (container,) = pod["containers"]
    volumes = {one["name"]: one["secret"]["secretName"] for one in pod["volumes"] if "secret" in one}
    mounted = {one["mountPath"]: volumes.get(one["name"], "") for one in container["volumeMounts"]}
    yield from volumes.values() - known.keys()
    for variable in container["env"]:
        reference = variable.get("valueFrom", {}).get("secretKeyRef", {"optional": True})
        if not reference.get("optional") and reference["key"] not in known.get(reference["name"], ()):
            yield f"{reference['name']}: {reference['key']}"
        folder, _, key = variable.get("value", "").rpartition("/")
        if variable["name"].endswith("_FILE") and key not in known[mounted[folder]]:
            yield f"{variable['name']}: {variable['value']}"


def is_staying(pod: Mapping[str, Any]) -> bool:
    return "deletionTimestamp" not in pod["metadata"]


def tags(cluster: ControlPlane) -> set[str]:
    pods = [one["spec"]["template"]["spec"] for one in cluster.get("deployments", IN_IT)]
    return {pod["containers"][0]["image"].rpartition(":")[2] for pod in pods}


def releases(known: Collection[str]) -> set[str]:
    """Helm's own records."""
    return {name for name in known if name.startswith("sh.helm.")}
