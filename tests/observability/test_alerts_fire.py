"""Alerts fire when their faults are caused from outside, reach a webhook, and end when the page's first aid was given.

The windows are shorter than those of an installation; the rules are the same. Meanwhile the pages' commands are typed
in.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from local_stack.testing import PrivateServers
from observability.faults import FAULTS, Fault
from observability.installation import Installation, open_installation
from observability.outages import AFTERWARDS, OUTAGES
from observability.runbooks import PAGES, Terminal, blocks, pages
from observability.watch import Watch, watching

pytestmark = [pytest.mark.observability, pytest.mark.timeout(900)]

LATE_COMMANDS = "CommandsLate"
"""Fires when commands that were held up are handled."""
NOT_CAUSED = {"CertificateEnds": "the local stack has no certificates"}


@pytest.fixture(scope="module")
def installation(session_folder: Path) -> Iterator[Installation]:
    with open_installation(session_folder / "broken") as installation:
        yield installation


@pytest.fixture(scope="module")
def watch(installation: Installation, session_folder: Path) -> Iterator[Watch]:
    servers = PrivateServers(session_folder / "watching")
    try:
        with watching(installation.stack, servers, session_folder / "rules") as watch:
            yield watch
    finally:
        servers.close()


async def test_alerts_fire_for_their_faults_and_end_with_the_first_aid(
    installation: Installation, watch: Watch
) -> None:
    terminal = Terminal(installation.stack)
    play_the_first_steps(installation)
    await watch.until_seen(len(installation.stack.services))
    assert watch.firing == set()
    await caused(FAULTS, installation, watch, terminal)
    await watch.until_fired([LATE_COMMANDS])
    await looked_at({LATE_COMMANDS: ""}, "doc-service", installation, watch, terminal)
    await caused(OUTAGES, installation, watch, terminal)
    await watch.until_fired(AFTERWARDS)
    await looked_at(AFTERWARDS, "rule-engine", installation, watch, terminal)
    await watch.until_resolved()
    tried = {one for fault in (*FAULTS, *OUTAGES) for one in fault.shown} | AFTERWARDS.keys() | {LATE_COMMANDS}
    assert tried | NOT_CAUSED.keys() == set(pages())
    for service in installation.stack.services:
        for line in service.process.log.read_text().splitlines():
            assert "event" in json.loads(line), line
    commands = {block for page in pages() for block in blocks(page) if block.language != "promql"}
    assert commands - terminal.done == set(), "no test typed these in"


def play_the_first_steps(installation: Installation) -> None:
    """A form, an SMS: what is counted by labels that cannot be known beforehand is there before it goes wrong."""
    for step in Story(installation.shop, Teller()).steps()[:2]:
        step.play()
    for stage in ("note", "task", "mail", "document"):
        installation.item(stage)


async def caused(faults: Sequence[Fault], there: Installation, watch: Watch, terminal: Terminal) -> None:
    """All side by side; each is looked at by its pages, then mended."""
    async with AsyncExitStack() as mending:
        for fault in faults:
            await mending.enter_async_context(fault.cause(there, terminal))
        await watch.until_fired([alert for fault in faults for alert in fault.shown])
        await asyncio.gather(*(looked_at(one.shown, one.service, there, watch, terminal) for one in faults))


async def looked_at(
    shown: Mapping[str, str], service: str, there: Installation, watch: Watch, terminal: Terminal
) -> None:
    """The page's queries give data, its commands print what it speaks of."""
    run = await there.unfinished_run()
    for alert, text in shown.items():
        output = await terminal.first_look(alert, service=service, run=run, tenant=there.shop.tenant)
        assert text in (PAGES / f"{alert}.md").read_text(), f"{alert}: the page does not speak of {text!r}"
        assert text in output, f"{alert}: no {text!r} in {output[-4000:]}"
        for query in (one.text for one in blocks(alert) if one.language == "promql"):
            assert watch.has_data(query), f"{alert}: {query}"
