"""A town for the tests of each file, and one tenant in it who has something of everything to be kept from others."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from security.estate import Estate, furnish
from security.town import Town, open_town


@pytest_asyncio.fixture(scope="module")
async def town(
    postgres: str, kafka: str, temporal: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    async with open_town(postgres, kafka, temporal, tmp_path_factory.mktemp("town")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module")
async def estate(town: Town) -> Estate:
    return await furnish(town)
