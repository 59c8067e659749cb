"""A running trigger-service for the tests of each file; each test brings tenants of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integration.trigger_service.harness import Site, open_site


@pytest.fixture(scope="module")
async def site(postgres: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder: Path = tmp_path_factory.mktemp("trigger-service")
    async with open_site(postgres, kafka, folder) as made:
        yield made
