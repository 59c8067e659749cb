"""One running service for all these tests, one tenant for each."""

from collections.abc import AsyncIterator

import pytest

from integration.entity_service.harness import House, Tenant, open_house


@pytest.fixture(scope="package")
async def house(postgres: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(postgres, kafka, tmp_path_factory.mktemp("entity")) as opened:
        yield opened


@pytest.fixture
async def shop(house: House) -> Tenant:
    return await house.tenant().open()
