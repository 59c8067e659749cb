"""A running service for these tests, one tenant for each test."""

from collections.abc import AsyncIterator

import pytest

from integration.entity_service.harness import Harness, Tenant, open_harness


@pytest.fixture(scope="package")
async def harness(postgres: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Harness]:
    async with open_harness(postgres, kafka, tmp_path_factory.mktemp("entity")) as opened:
        yield opened


@pytest.fixture
async def shop(harness: Harness) -> Tenant:
    return await harness.tenant().open()
