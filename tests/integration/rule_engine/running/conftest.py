"""The engine's site and a running engine on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from support.engine import Deal, Site, open_site


@pytest_asyncio.fixture
async def site(postgres: str, kafka: str, temporal: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(postgres, kafka, temporal, tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture
async def deal(site: Site) -> AsyncIterator[Deal]:
    """A deal of a tenant of its own, with an engine running."""
    async with site.engine():
        yield Deal(site)
