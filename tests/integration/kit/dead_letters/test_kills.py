"""Killed at every point of putting a message aside, and of replaying it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.kit.clock import new_id
from integration.kit.dying_probe import DYING, DYING_AGAIN, REPLAYING
from integration.kit.harness import Harness, note, ports
from support.processes import Program
from support.waiting import eventually

pytestmark = [pytest.mark.verify, pytest.mark.usefixtures("topics")]


@dataclass
class DyingProbe:
    """A probe as a process that can be doomed to kill itself at one point after another."""

    program: Program
    harness: Harness
    folder: Path
    environment: dict[str, str]

    @classmethod
    def of(cls, harness: Harness, folder: Path) -> "DyingProbe":
        environment = {
            "CRASH_COUNTS": str(folder / "crash_counts"),
            "MENDED": str(folder / "mended"),
            "PROBE": harness.name,
            "PROBE_TOPIC": harness.events.name,
        }
        settings = harness.settings.model_copy(update=ports())
        program = Program("integration.kit.dying_probe", settings, environment)
        return cls(program, harness, folder, environment)

    async def start(self, die_at: str | None = None) -> None:
        (self.folder / "crash_counts").write_text("1" if die_at else "0")
        self.environment["DIE_AT"] = die_at or next(iter(DYING))
        await self.program.start()

    async def die_at_each(self, points: Iterable[str]) -> None:
        """Starts it again and again, and lets it live in the end."""
        for point in points:
            await self.start(point)
            assert await self.program.ends() == -9, point
        await self.start()

    def mend(self) -> None:
        (self.folder / "mended").touch()

    async def put_poison_aside(self) -> None:
        """And ends it."""
        await self.harness.publish(self.harness.events, note("poison"))
        await self.start()
        await self.become(("open", 0))
        await self.harness.until_committed(1)
        await self.program.stop()

    async def states(self) -> list[tuple[str, int]]:
        rows = await self.harness.sql("SELECT state, replays FROM dead_letters ORDER BY replays")
        return [(row["state"], row["replays"]) for row in rows]

    async def become(self, *states: tuple[str, int]) -> None:
        async def look() -> bool:
            return await self.states() == list(states)

        await eventually(look, f"{states}")

    async def begin_replay(self) -> None:
        """As the interface does."""
        id = new_id()
        await self.harness.sql("UPDATE dead_letters SET state = 'replaying', action_id = $1 WHERE state = 'open'", id)
        await self.harness.sql(
            """INSERT INTO dead_letter_actions (id, kind, operator, started_at, reason, selection, letters,
                   per_second, next_at) VALUES ($1, 'replay', 'olga', now(), '', '{}', 1, 100, now())""",
            id,
        )

    async def finished(self) -> None:
        async def look() -> bool:
            rows = await self.harness.sql("SELECT FROM dead_letter_actions WHERE finished_at IS NULL")
            return rows == []

        await eventually(look, "the end of the replay")


@pytest.mark.invariant(6)
async def test_killed_at_every_point_of_putting_a_message_aside_there_is_one_dead_letter(
    harness: Harness, tmp_path: Path
) -> None:
    probe = DyingProbe.of(harness, tmp_path)
    await harness.publish(harness.events, note("one"), note("poison"), note("two"))
    await probe.die_at_each(DYING)
    await harness.until_committed(3)
    await probe.program.stop()
    assert sorted(await harness.notes()) == ["one", "two"]
    assert await probe.states() == [("open", 0)]
    assert len(await harness.dead(harness.events)) >= 1


@pytest.mark.invariant(6)
@pytest.mark.invariant(7)
async def test_killed_at_every_point_of_a_replay_there_is_one_effect(harness: Harness, tmp_path: Path) -> None:
    probe = DyingProbe.of(harness, tmp_path)
    await probe.put_poison_aside()
    probe.mend()
    await probe.begin_replay()
    await probe.die_at_each(REPLAYING)
    await probe.finished()
    await probe.program.stop()
    assert await harness.notes() == ["poison"]
    assert await probe.states() == [("handled", 0)]


@pytest.mark.invariant(6)
async def test_killed_at_every_point_while_a_replayed_message_dies_again_there_is_one_new_dead_letter(
    harness: Harness, tmp_path: Path
) -> None:
    probe = DyingProbe.of(harness, tmp_path)
    await probe.put_poison_aside()
    await probe.begin_replay()
    await probe.die_at_each(DYING_AGAIN)
    await probe.finished()
    await probe.program.stop()
    assert await harness.notes() == []
    assert await probe.states() == [("dead_again", 0), ("open", 1)]
