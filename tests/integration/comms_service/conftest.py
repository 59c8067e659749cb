"""A house for the tests of each file, one tenant for each test; it is gone before other tests play its owner."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from integration.comms_service.harness import House, Shop, open_house


@pytest.fixture(scope="module")
async def house(postgres: str, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder: Path = tmp_path_factory.mktemp("comms")
    async with open_house(postgres, kafka, folder) as opened:
        yield opened


@pytest.fixture
async def shop(house: House) -> Shop:
    """A tenant with an e-mail and an SMS channel; the peers behave."""
    await house.peers.sms.put("/mode", json={})
    await house.peers.mail.put("/mode", json={})
    made = Shop(house, uuid4(), uuid4())
    await made.open()
    return made
