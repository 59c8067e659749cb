"""A town for all of these tests; for each file a tenant in it who has something of all that others must not see."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from security.estate import Estate, furnish
from security.town import Town, open_town


@pytest_asyncio.fixture(scope="package")
async def town(
    postgres: str, kafka: str, temporal: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    async with open_town(postgres, kafka, temporal, tmp_path_factory.mktemp("town")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module")
async def estate(town: Town) -> Estate:
    return await furnish(town)
