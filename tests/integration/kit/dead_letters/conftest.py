"""A probe of its own for every test of dead letters."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integration.kit.dead_letters.client import DeadLetterClient, open_client
from integration.kit.harness import Harness


@pytest.fixture
async def client(harness: Harness, tmp_path: Path) -> AsyncIterator[DeadLetterClient]:
    async with open_client(harness, tmp_path / "credentials") as opened:
        yield opened
