"""One harness for these tests, one tenant for each test; it is gone before other tests play its owner."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from integration.comms_service.harness import Harness, Shop, open_harness


@pytest.fixture(scope="package")
async def harness(postgres: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Harness]:
    folder: Path = tmp_path_factory.mktemp("comms")
    async with open_harness(postgres, kafka, folder) as opened:
        yield opened


@pytest.fixture
async def shop(harness: Harness) -> Shop:
    """A tenant with an e-mail and an SMS channel; the peers behave."""
    await harness.peers.sms.put("/mode", json={})
    await harness.peers.mail.put("/mode", json={})
    made = Shop(harness, uuid4(), uuid4())
    await made.open()
    return made
