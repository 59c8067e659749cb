"""A site of its own for every test of the kit."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integration.kit.harness import Site, make_site, remove_site


@pytest.fixture
async def site(postgres: str, kafka: str, tmp_path: Path) -> AsyncIterator[Site]:
    made = await make_site(postgres, kafka, tmp_path / "jwks.json")
    yield made
    await remove_site(postgres, made)
