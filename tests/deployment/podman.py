"""Debian's podman, and a base image made of Debian's packages: images are built and started without any registry.

What is missing is installed where that is possible; else the test fails and says what to install.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_stack.layout import WORKSPACE, tools_folder

PROGRAMS = ("podman", "buildah", "runc", "mmdebstrap")
BASE = "localhost/stagewright-base:trixie"
MIRROR = "deb http://deb.debian.org/debian trixie main"
"""Debian 13 has Python 3.13."""
_CERTIFICATES = "/etc/ssl/certs"
PODMAN = ("podman", "--runtime=runc")
LIMITS = {"nofile": 1024, "nproc": 1024}
"""Those above the machine's are refused to runc."""
_UNBOUND = ("--network=host", *(f"--ulimit={name}={most}:{most}" for name, most in LIMITS.items()))


@dataclass(frozen=True)
class Podman:
    """Builds and runs images with the network of this machine."""

    def build(self, service: str) -> str:
        """The tag of the service's image."""
        tag = f"localhost/stagewright/{service}:test"
        arguments = (f"--build-arg=BASE={BASE}", f"--build-arg=SERVICE={service}", "--build-arg=REVISION=of-the-test")
        volumes = (f"--volume={_uv_cache()}:/root/.cache/uv", f"--volume={_CERTIFICATES}:{_CERTIFICATES}:ro")
        where = ("--file=deploy/Dockerfile", "--format=docker", f"--tag={tag}", str(WORKSPACE))
        self(*("build", *_UNBOUND, *volumes, *arguments, *where))
        return tag

    def run(self, image: str, *command: str, options: Sequence[str] = ()) -> str:
        """What a container says that does as a cluster's do: nothing written, no privilege to be had."""
        closed = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--log-driver=k8s-file")
        return self("run", *closed, *_UNBOUND, *options, image, *command)

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 - our own argument list
            [*PODMAN, *arguments],
            cwd=WORKSPACE,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"podman {arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout


def podman() -> Podman:
    """With the base image in its store."""
    _install_missing()
    engine = Podman()
    if not engine("images", "--quiet", BASE):
        engine("import", str(_base_archive()), BASE)
    return engine


def _install_missing() -> None:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if not missing:
        return
    said = "there is no apt-get, or this is not root"
    if shutil.which("apt-get") and os.geteuid() == 0:
        _run(["apt-get", "update"])
        install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
        said = _run(install, DEBIAN_FRONTEND="noninteractive")
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.fail(f"images cannot be built without {', '.join(missing)}; install them (Debian's packages): {said}")


def _base_archive() -> Path:
    """Kept with the other tools: it takes half a minute to make."""
    archive = tools_folder() / "container-base/trixie.tar"
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        growing = archive.with_name(f"{os.getpid()}.tar")
        packages = "--include=python3,python3-venv,ca-certificates"
        said = _run(["mmdebstrap", "--variant=minbase", packages, "trixie", str(growing), MIRROR])
        if not growing.exists():
            pytest.fail(f"the base image cannot be made: {said}")
        growing.rename(archive)
    return archive


def _uv_cache() -> str:
    """Has what this environment was installed from."""
    return _run([str(WORKSPACE / ".tools/bin/uv"), "cache", "dir"]).strip()


def _run(command: Sequence[str], **environment: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own argument list
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else done.stdout + done.stderr
