"""Builds what a release of Stagewright consists of, from the commit that is checked out: `make release`.

In the folder there are then the wheels, the chart, a software bill of materials of each service (CycloneDX 1.5), the
notes, and the SHA-256 of every file; with `--images` also an archive of each service's image, which podman builds.

The same commit gives the same bytes, wherever and whenever it is built: times are the commit's, names and owners are
left out, and ids follow from the content.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ("entity-service", "rule-engine", "doc-service", "comms-service", "trigger-service")


class ReleaseError(Exception):
    """Says what stands in the way of a release, and what to do."""


@dataclass(frozen=True)
class Release:
    """One version, of one commit."""

    version: str
    commit: str
    seconds: int
    """When it was committed, in seconds since 1970."""

    @classmethod
    def of_checkout(cls) -> "Release":
        """Raises ReleaseError when there are changes without a commit, or members of different versions."""
        if changed := run("git", "status", "--porcelain"):
            raise ReleaseError(f"commit these changes first, a release is a commit:\n{changed}")
        versions = {str(path.parent.relative_to(ROOT)): _version(path) for path in _members()}
        if len(set(versions.values())) > 1:
            raise ReleaseError(f"give all members the same version: {versions}")
        commit, seconds = run("git", "log", "-1", "--format=%H %ct").split()
        return cls(_version(ROOT / "pyproject.toml"), commit, int(seconds))


def build(release: Release, folder: Path, *, images: bool) -> None:
    """Fills the folder, which must be empty or missing. Raises ReleaseError when something cannot be built."""
    if folder.exists() and any(folder.iterdir()):
        raise ReleaseError(f"{folder} is not empty; give another folder, or empty it")
    folder.mkdir(parents=True, exist_ok=True)
    print("building the wheels", flush=True)
    run("uv", "build", "--wheel", "--all-packages", "--quiet", "--out-dir", str(folder), epoch=release.seconds)
    (folder / ".gitignore").unlink(missing_ok=True)  # uv's
    (folder / f"stagewright-{release.version}.tgz").write_bytes(chart_archive(release))
    for service in SERVICES:
        (folder / f"{service}-{release.version}.cdx.json").write_text(bill_of_materials(release, service))
        if images:
            print(f"building the image of {service}", flush=True)
            build_image(release, service, folder / f"{service}-{release.version}.oci.tar")
    (folder / "NOTES.md").write_text(notes(release, (ROOT / "CHANGELOG.md").read_text()))
    (folder / "SHA256SUMS").write_text(checksums(folder))


def chart_archive(release: Release) -> bytes:
    """The chart as `helm package` would, with the release's version for the chart and the images."""
    whole = io.BytesIO()
    with gzip.GzipFile(fileobj=whole, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for path in sorted((ROOT / "deploy/chart").rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                if path.name == "Chart.yaml":
                    content = _with_version(content.decode(), release.version).encode()
                entry = tarfile.TarInfo(f"stagewright/{path.relative_to(ROOT / 'deploy/chart')}")
                entry.size, entry.mtime, entry.mode = len(content), release.seconds, 0o644
                archive.addfile(entry, io.BytesIO(content))
    return whole.getvalue()


def _with_version(chart: str, version: str) -> str:
    return re.sub(r"(?m)^(version|appVersion): .*$", rf'\1: "{version}"', chart)


def bill_of_materials(release: Release, service: str) -> str:
    """What uv's lock file says of the service, with an id and a time that follow from the release."""
    options = ("--frozen", "--no-dev", "--package", service, "--format", "cyclonedx1.5", "--quiet")
    found: dict[str, Any] = json.loads(run("uv", "export", *options, "--preview-features", "sbom-export"))
    found["serialNumber"] = f"urn:uuid:{uuid5(NAMESPACE_URL, f'urn:stagewright:{service}:{release.commit}')}"
    found["metadata"]["timestamp"] = datetime.fromtimestamp(release.seconds, UTC).isoformat()
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def build_image(release: Release, service: str, archive: Path) -> None:
    """`BASE` in the environment names another base than the official Python image."""
    base = [f"--build-arg=BASE={os.environ['BASE']}"] if "BASE" in os.environ else []
    arguments = {"SERVICE": service, "VERSION": release.version, "REVISION": release.commit}
    given = [*base, *(f"--build-arg={name}={value}" for name, value in arguments.items())]
    tag = f"localhost/stagewright/{service}:{release.version}"
    how = ("--file=deploy/Dockerfile", "--format=docker", f"--timestamp={release.seconds}", f"--tag={tag}")
    run("podman", "build", *how, *given, str(ROOT))
    run("podman", "save", "--quiet", "--format=oci-archive", f"--output={archive}", tag)


def notes(release: Release, changelog: str) -> str:
    """The changelog's section of the version; of an unreleased one, what is written so far."""
    sections = dict(re.findall(r"(?ms)^## \[?([^\]\s]+)\]?[^\n]*\n(.*?)(?=^## |\Z)", changelog))
    text = sections.get(release.version) or sections.get("Unreleased")
    if text is None:
        raise ReleaseError(f"CHANGELOG.md has no section {release.version}")
    return f"# Stagewright {release.version}\n\nOf commit {release.commit}.\n\n{text.strip()}\n"


def checksums(folder: Path) -> str:
    """As `sha256sum --check` reads them."""
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def run(*command: str, epoch: int | None = None) -> str:
    """What the command prints. Raises ReleaseError when it fails or is missing."""
    environment = os.environ | ({"SOURCE_DATE_EPOCH": str(epoch)} if epoch is not None else {})
    uv = os.environ.get("UV", "uv")  # `uv run` says which it is
    program = [uv, *command[1:]] if command[0] == "uv" else list(command)
    try:
        done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ReleaseError(f"{command[0]} is missing; install it") from None
    if done.returncode != 0:
        raise ReleaseError(f"{' '.join(command[:2])} failed:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def _members() -> list[Path]:
    workspace = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]["members"]
    return [ROOT / "pyproject.toml", *(path / "pyproject.toml" for one in workspace for path in sorted(ROOT.glob(one)))]


def _version(pyproject: Path) -> str:
    return str(tomllib.loads(pyproject.read_text())["project"]["version"])


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", action="store_true", help="also build the services' images, with podman")
    asked = parser.parse_args()
    try:
        release = Release.of_checkout()
        build(release, asked.folder.resolve(), images=asked.images)
    except ReleaseError as error:
        print(f"no release: {error}", file=sys.stderr)
        return 1
    print(f"{asked.folder}: Stagewright {release.version} of {release.commit[:12]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
