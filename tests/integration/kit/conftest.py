"""A harness of its own for every test of the kit."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integration.kit.harness import Harness, make_harness, remove_harness


@pytest.fixture
async def harness(postgres: str, kafka: str, tmp_path: Path) -> AsyncIterator[Harness]:
    made = await make_harness(postgres, kafka, tmp_path / "jwks.json")
    yield made
    await remove_harness(postgres, made)
