"""A real Kubernetes control plane for tests: all of its servers, and nodes and Pods that kwok pretends to run."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

from deployment.control_plane_programs import control_plane_programs
from local_stack.certificates import Authority
from local_stack.layout import WORKSPACE, remove_folder
from local_stack.part import Part
from local_stack.ports import HOST, answers, free_port

NODES = ("node-a", "node-b", "node-c")
"""Each in a zone of its own."""
RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
_WARNING = re.compile(r"^(Warning|W\d{4}|level=WARN)|\bwarning", re.IGNORECASE | re.MULTILINE)


class _Server(Part):
    """One of its programs."""

    def __init__(self, home: Path, port: int, command: Iterable[str], ready: Callable[[], bool]) -> None:
        super().__init__(home.name, home, port)
        self._command = list(command)
        self._ready = ready

    def launch(self) -> None:
        self.process.spawn(self._command, cwd=self.home)

    def ready(self) -> bool:
        return self._ready()


class ControlPlane:
    """Listens on free ports of the loopback address and keeps all that it writes below `home`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._servers: list[_Server] = []
        self._kubeconfig = home / "kubeconfig"
        self._path = f"{control_plane_programs()}{os.pathsep}{os.environ['PATH']}"

    def start(self) -> None:
        """Starts its servers, each when what it needs is ready, and its nodes. Raises StackError."""
        self._home.mkdir(parents=True)
        etcd, peer, api = free_port(), free_port(), free_port()
        self._start("etcd", etcd, _etcd(etcd, peer), ready=lambda: answers(etcd))
        self._start("kube-apiserver", api, self._api_server(etcd, api), ready=self._api_is_ready)
        signing = {"service-account-private-key-file": "../api-server.key"}
        for name, more in {"kube-controller-manager": signing, "kube-scheduler": {}}.items():
            self._start_controller(name, more)
        self.apply(_node(name) for name in NODES)
        kwok = {"kubeconfig": "../kubeconfig", "manage-all-nodes": "true", "node-port": "0"}
        self._start("kwok", 0, kwok | {"node-lease-duration-seconds": "40"}, ready=self._nodes_are_ready)

    def stop(self) -> None:
        """Kills its servers: the API server keeps its port for seconds after SIGTERM. Removes what they wrote."""
        for server in reversed(self._servers):
            server.kill()
        remove_folder(self._home)

    def run(self, *command: str, given: str = "", folder: Path = WORKSPACE) -> str:
        """What kubectl, helm or a shell prints. A warning, whoever is warned, is a failure."""
        done = self.attempt(*command, given=given, folder=folder)
        assert done.returncode == 0, f"`{' '.join(command)}` ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        assert not _WARNING.search(done.stderr), f"`{' '.join(command)}` was warned:\n{done.stderr}"
        return done.stdout

    def attempt(self, *command: str, given: str = "", folder: Path = WORKSPACE) -> subprocess.CompletedProcess[str]:
        """Runs it in `folder`, with this cluster and with no other configuration of these programs."""
        ours = {"PATH": self._path, "KUBECONFIG": str(self._kubeconfig), "HOME": str(self._home)}
        program = shutil.which(command[0], path=self._path)
        assert program is not None, f"there is no program {command[0]}"
        return subprocess.run(  # noqa: S603 - the tests' own commands
            [program, *command[1:]],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("HELM_")} | ours,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )

    def apply(self, resources: Iterable[Mapping[str, Any]], *options: str) -> str:
        """`kubectl apply` by the server, which refuses fields that it does not know."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(resources)}
        return self.run("kubectl", "apply", "--server-side", *options, "--filename=-", given=json.dumps(listed))

    def get(self, kind: str, *options: str) -> list[dict[str, Any]]:
        """The resources of a kind, or of several with commas between them."""
        listed = json.loads(self.run("kubectl", "get", kind, "--output=json", *options))
        found: list[dict[str, Any]] = listed["items"]
        return found

    def _start(self, name: str, port: int, options: Mapping[str, str], ready: Callable[[], bool]) -> None:
        program = shutil.which(name, path=self._path)
        assert program is not None
        command = [program, *(f"--{option}={value}" for option, value in options.items())]
        server = _Server(self._home / name, port, command, ready)
        self._servers.append(server)
        server.start()

    def _start_controller(self, name: str, more: dict[str, str]) -> None:
        port = free_port()
        own = {"bind-address": HOST, "secure-port": str(port), "cert-dir": "certificates", "leader-elect": "false"}
        self._start(name, port, own | {"kubeconfig": "../kubeconfig"} | more, ready=lambda: answers(port))

    def _api_server(self, etcd: int, port: int) -> dict[str, str]:
        """Its options; writes what it and its clients know each other by."""
        authority, token = Authority(self._home), token_hex(16)
        certificate, key = authority.sign("api-server")
        tokens = self._home / "tokens.csv"
        tokens.write_text(f'{token},admin,admin,"system:masters"\n')
        cluster = {"server": f"https://{HOST}:{port}", "certificate-authority": str(authority.file)}
        context = {"name": "test", "context": {"cluster": "test", "user": "admin"}}
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "test", "contexts": [context]}
        config |= {"clusters": [{"name": "test", "cluster": cluster}]}
        config |= {"users": [{"name": "admin", "user": {"token": token}}]}
        self._kubeconfig.write_text(json.dumps(config))
        return {
            "etcd-servers": f"http://{HOST}:{etcd}",
            "bind-address": HOST,
            "advertise-address": HOST,
            "secure-port": str(port),
            "tls-cert-file": str(certificate),
            "tls-private-key-file": str(key),
            "service-cluster-ip-range": "10.0.0.0/24",
            "token-auth-file": str(tokens),
            "authorization-mode": "RBAC",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": str(certificate),
            "service-account-signing-key-file": str(key),
        }

    def _api_is_ready(self) -> bool:
        return self.attempt("kubectl", "get", "--raw=/readyz").returncode == 0

    def _nodes_are_ready(self) -> bool:
        ready = ("wait", "node", "--all", "--for=condition=Ready", "--timeout=1s")
        return self.attempt("kubectl", *ready).returncode == 0


def _etcd(port: int, peer: int) -> dict[str, str]:
    clients, peers = f"http://{HOST}:{port}", f"http://{HOST}:{peer}"
    return {
        "name": "test",
        "data-dir": "data",
        "listen-client-urls": clients,
        "advertise-client-urls": clients,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"test={peers}",
        "unsafe-no-fsync": "true",
    }


def _node(name: str) -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": name[-1]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
