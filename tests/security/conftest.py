"""One running stack for all of these tests, and a tenant in it with some of all that others must not see."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from security.running_stack import RunningStack, open_running_stack
from security.seeded_tenant import SeededTenant, furnish


@pytest_asyncio.fixture(scope="package")
async def running_stack(
    postgres: str, kafka: str, temporal: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningStack]:
    async with open_running_stack(postgres, kafka, temporal, tmp_path_factory.mktemp("stack")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="package")
async def seeded_tenant(running_stack: RunningStack) -> SeededTenant:
    return await furnish(running_stack)
