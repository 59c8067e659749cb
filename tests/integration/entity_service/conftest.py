"""A running service for the tests of each file, one tenant for each test."""

from collections.abc import AsyncIterator

import pytest

from integration.entity_service.harness import Site, Tenant, open_site


@pytest.fixture(scope="module")
async def site(postgres: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with open_site(postgres, kafka, tmp_path_factory.mktemp("entity")) as opened:
        yield opened


@pytest.fixture
async def shop(site: Site) -> Tenant:
    return await site.tenant().open()
