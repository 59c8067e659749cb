"""An installation of the chart on a control plane, as Helm keeps it."""

import json
from dataclasses import dataclass
from typing import Any

from deployment.chart import RELEASE, Resource, Values
from deployment.chart_files import CHART
from deployment.control_plane import ControlPlane


@dataclass(frozen=True)
class Release:
    """In a namespace of its own."""

    cluster: ControlPlane
    namespace: str

    def install(self, values: Values) -> None:
        """Or upgrades to these values."""
        self.cluster.run(*self._upgrade, given=json.dumps(values))

    def refuses(self, values: Values) -> str:
        """What Helm says against them."""
        done = self.cluster.attempt(*self._upgrade, given=json.dumps(values))
        assert done.returncode != 0, done.stdout
        return done.stderr

    def helm(self, command: str, *options: str) -> str:
        return self.cluster.run("helm", command, RELEASE, f"--namespace={self.namespace}", *options)

    def kubectl(self, command: str, *options: str, given: str = "") -> str:
        return self.cluster.run("kubectl", command, f"--namespace={self.namespace}", *options, given=given)

    def get(self, kind: str, *options: str) -> list[Resource]:
        return self.cluster.get(kind, f"--namespace={self.namespace}", *options)

    def deployments(self) -> dict[str, Resource]:
        """By component."""
        return {one["metadata"]["labels"]["app.kubernetes.io/component"]: one for one in self.get("deployments")}

    def pods(self, component: str) -> list[Resource]:
        """Those that are not ending."""
        found = self.get("pods", f"--selector=app.kubernetes.io/component={component}")
        return [one for one in found if "deletionTimestamp" not in one["metadata"]]

    def evict(self, pod: Resource) -> str:
        """What the API server says to it: nothing if it obeys."""
        name = pod["metadata"]["name"]
        path = f"/api/v1/namespaces/{self.namespace}/pods/{name}/eviction"
        metadata = {"name": name, "namespace": self.namespace}
        eviction: dict[str, Any] = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
        done = self.cluster.attempt("kubectl", "create", f"--raw={path}", "--filename=-", given=json.dumps(eviction))
        return done.stderr

    @property
    def _upgrade(self) -> list[str]:
        where = ["upgrade", "--install", RELEASE, str(CHART), f"--namespace={self.namespace}"]
        return ["helm", *where, "--values=-", "--wait", "--timeout=5m"]
