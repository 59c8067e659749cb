"""A release: all its parts, the same bytes for the same commit, and nothing of what is not committed."""

import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from local_stack.layout import WORKSPACE

pytestmark = pytest.mark.verify

SERVICES = ("entity-service", "rule-engine", "doc-service", "comms-service", "trigger-service")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone of the commit that is checked out."""
    return clone(tmp_path / "checkout")


def clone(folder: Path) -> Path:
    git("clone", "--quiet", str(WORKSPACE), str(folder))
    return folder


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)  # noqa: S603, S607 - our own arguments


def release(checkout: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "deploy/release.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own argument list


def test_two_builds_of_a_commit_are_the_same_and_whole(checkout: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    made = release(checkout, one)
    assert made.returncode == 0, made.stderr
    assert release(clone(tmp_path / "another place"), other).returncode == 0
    files = {path.name: path.read_bytes() for path in one.iterdir()}
    assert files == {path.name: path.read_bytes() for path in other.iterdir()}

    assert len(files) == 15, sorted(files)
    lines = (line.split("  ") for line in files["SHA256SUMS"].decode().splitlines())
    sums = {name: digest for digest, name in lines}
    others = files.keys() - {"SHA256SUMS"}
    assert sums == {name: hashlib.sha256(files[name]).hexdigest() for name in others}
    assert files["NOTES.md"].decode().startswith("# Stagewright 0.0.0\n")

    with zipfile.ZipFile(one / "entity_service-0.0.0-py3-none-any.whl") as wheel:
        inside = wheel.namelist()
    assert "entity_service/main.py" in inside
    assert any(name.startswith("entity_service/migrations/") for name in inside)
    assert not [name for name in inside if "__pycache__" in name]
    with tarfile.open(one / "stagewright-0.0.0.tgz") as chart:
        described = chart.extractfile("stagewright/Chart.yaml")
        assert described is not None
        assert b'appVersion: "0.0.0"' in described.read()
        assert "stagewright/values.schema.json" in chart.getnames()
    for service in SERVICES:
        bill = json.loads(files[f"{service}-0.0.0.cdx.json"])
        assert bill["bomFormat"] == "CycloneDX"
        assert {"contracts", "asyncpg", "pydantic"} <= {part["name"] for part in bill["components"]}


def test_what_is_not_committed_is_not_released(checkout: Path, tmp_path: Path) -> None:
    (checkout / "a note").write_text("")
    refused = release(checkout, tmp_path / "out")
    assert refused.returncode == 1
    assert "commit these changes first" in refused.stderr
    assert "a note" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_members_of_different_versions_are_named(checkout: Path, tmp_path: Path) -> None:
    member = checkout / "services/doc-service/pyproject.toml"
    member.write_text(member.read_text().replace('version = "0.0.0"', 'version = "0.0.1"', 1))
    git("-C", str(checkout), "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qam", "A version")
    refused = release(checkout, tmp_path / "out")
    assert refused.returncode == 1
    assert "'services/doc-service': '0.0.1'" in refused.stderr


def test_a_folder_that_holds_something_is_left_alone(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    refused = release(checkout, tmp_path)
    assert "is not empty" in refused.stderr
    assert (tmp_path / "kept").read_text() == "mine"
