"""One service's image: what is in it, and that it runs as a cluster runs it."""

import asyncio
import json
import shutil
import tomllib
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import trigger_service
from contracts import topics
from deployment.podman import Podman, podman
from local_stack.layout import WORKSPACE
from local_stack.topics import create_topics
from support.processes import environment_of
from support.service_environment import ServiceEnvironment, open_service_environment
from support.waiting import eventually
from trigger_service.settings import Settings

pytestmark = pytest.mark.images

SERVICE = "trigger-service"
NOT_IN_IT = ("pip", "pip3", "uv", "gcc", "cc", "c++", "ld", "as", "make")

INSPECT = f"""
import json, os, shutil, sys
from importlib.metadata import distributions
from importlib.util import find_spec
print(json.dumps(dict(
    user=os.getuid(),
    programs=[name for name in {NOT_IN_IT!r} if shutil.which(name)],
    modules=[name for name in ("pip", "ensurepip", "uv", "setuptools") if find_spec(name)],
    writable=[folder for folder in ("/", "/app", sys.prefix) if os.access(folder, os.W_OK)],
    installed={{one.name.lower().replace("_", "-"): one.version for one in distributions()}},
    sbom=json.load(open("/app/sbom.cdx.json")),
)))
"""


PRINT = """
import asyncio, os
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from contracts.kit.shares import Shares
from doc_service.gateways.typesetter import Typesetter
typesetter = Typesetter(Shares("render", 1), fonts=Path(os.environ["FONTS_DIR"]))
said = {"said": "فاتورة 发票 請求書 청구서 ใบแจ้งหนี้"}
print(asyncio.run(typesetter.set(UUID(int=1), "#sys.inputs.said", said, datetime.now(UTC))).missing, "is missing")
"""


@pytest.fixture(scope="module")
def engine() -> Podman:
    return podman()


@pytest.fixture(scope="module")
def image(engine: Podman) -> str:
    return engine.build(SERVICE)


@pytest_asyncio.fixture
async def environment(postgres: str, kafka: str, tmp_path: Path) -> AsyncGenerator[ServiceEnvironment]:
    await create_topics(kafka, (*topics.TOPICS, *topics.DEAD_LETTER_TOPICS))
    async with open_service_environment(postgres, kafka, SERVICE, tmp_path) as made:
        yield made


def test_the_image_holds_what_is_locked_and_nothing_that_installs_or_compiles(engine: Podman, image: str) -> None:
    found = json.loads(engine.run(image, "-c", INSPECT, options=["--rm", "--entrypoint=/app/bin/python"]))
    assert found["user"] != 0
    assert found["programs"] == []
    assert found["modules"] == []
    assert found["writable"] == []
    locked = {one["name"]: one["version"] for one in tomllib.loads((WORKSPACE / "uv.lock").read_text())["package"]}
    assert {name: locked[name] for name in found["installed"]} == found["installed"]
    assert found["sbom"]["bomFormat"] == "CycloneDX"
    listed = {one["name"]: one["version"] for one in found["sbom"]["components"]} | {SERVICE: "0.0.0"}
    assert found["installed"].items() <= listed.items()


def test_the_image_says_what_it_is(engine: Podman, image: str) -> None:
    (described,) = json.loads(engine("inspect", image))
    config: Mapping[str, Any] = described["Config"]
    assert config["User"] == "65532:65532"
    assert config["Labels"]["org.opencontainers.image.title"] == SERVICE
    assert config["Labels"]["org.opencontainers.image.revision"] == "of-the-test"
    assert described["Healthcheck"]["Test"] == ["CMD", "/app/bin/service", "health"]


def test_the_image_that_prints_documents_has_a_font_for_every_script(engine: Podman) -> None:
    image = engine.build("doc-service")
    assert engine.run(image, "-c", PRINT, options=["--rm", "--entrypoint=/app/bin/python"]).strip() == "is missing"


async def test_it_migrates_runs_and_drains_without_writing_anything(
    engine: Podman, image: str, environment: ServiceEnvironment, tmp_path: Path
) -> None:
    settings = await environment.settle(
        trigger_service, Settings, entity_service_url="http://127.0.0.1:1", secrets_key="A" * 43, log_level="INFO"
    )
    given = _given(environment, settings, tmp_path)
    engine.run(image, "migrate", options=["--rm", *given])
    container = engine.run(image, options=["--detach", *given]).strip()
    try:
        await eventually(lambda: _is_healthy(engine, container), "a healthy container")
    finally:
        await asyncio.to_thread(engine, "stop", "--time=30", container)
        said = engine("logs", container)
        (state,) = json.loads(engine("inspect", container))
        engine("rm", "--force", container)
    assert state["State"]["ExitCode"] == 0, said
    assert '"draining"' in said


def _given(environment: ServiceEnvironment, settings: Settings, folder: Path) -> list[str]:
    """Settings and files, as the container's own account may read them."""
    credentials = environment.credentials.jwks_file.parent
    shutil.copytree(credentials, folder / "read", copy_function=shutil.copyfile)
    for each in (folder / "read").rglob("*"):
        each.chmod(0o755 if each.is_dir() else 0o644)
    (folder / "read").chmod(0o755)
    names = {name.upper() for name in Settings.model_fields}
    values = {name: value for name, value in environment_of(settings).items() if name in names}
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    (folder / "environment").write_text(lines.replace(str(credentials), "/read"))
    return [f"--env-file={folder / 'environment'}", f"--volume={folder / 'read'}:/read:ro"]


async def _is_healthy(engine: Podman, container: str) -> bool:
    try:
        await asyncio.to_thread(engine, "exec", container, "/app/bin/service", "health")
    except AssertionError:
        return False
    return True
