"""A doc-service for these tests."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from contracts.kit.clock import new_id
from integration.doc_service.harness import Harness, open_harness


@pytest.fixture(scope="package")
async def harness(postgres: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Harness]:
    async with open_harness(postgres, kafka, tmp_path_factory.mktemp("doc_service")) as opened:
        yield opened


@pytest.fixture
def tenant() -> UUID:
    return new_id()
