"""A running trigger-service for these tests; each test brings tenants of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integration.trigger_service.harness import Harness, open_harness


@pytest.fixture(scope="package")
async def harness(postgres: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Harness]:
    folder: Path = tmp_path_factory.mktemp("trigger-service")
    async with open_harness(postgres, kafka, folder) as made:
        yield made
