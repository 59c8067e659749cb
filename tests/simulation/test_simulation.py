"""Thousands of small worlds, each from its seed: the engine among failing servers and meddling people, then the audit.

`SIM_SEED=7 pytest tests/simulation` plays one world again, the same to the last step; `SIM_WORLDS=20000` plays more,
and `SIM_FROM=123456` other ones.
A failure shows the seed, and everything that happened in that world.
"""

import os

import pytest

from simulation.world import World

FROM, WORLDS = int(os.environ.get("SIM_FROM", "0")), int(os.environ.get("SIM_WORLDS", "100"))
CHUNK = 50
ONE = os.environ.get("SIM_SEED")
CHUNKS = [range(int(ONE), int(ONE) + 1)] if ONE else [range(at, at + CHUNK) for at in range(FROM, FROM + WORLDS, CHUNK)]


@pytest.mark.simulation
@pytest.mark.invariant(1)
@pytest.mark.invariant(2)
@pytest.mark.invariant(3)
@pytest.mark.invariant(4)
@pytest.mark.invariant(5)
@pytest.mark.invariant(7)
@pytest.mark.invariant(8)
@pytest.mark.invariant(12)
@pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"from-{seeds.start}")
def test_whatever_fails_and_whoever_meddles_every_rule_ends_once_and_is_accounted_for(seeds: range) -> None:
    for seed in seeds:
        play(seed)


def play(seed: int) -> None:
    world = World(seed)
    try:
        world.play()
    except Exception as error:
        error.add_note(f"What happened:\n{world.sim_context.trace()}\nSIM_SEED={seed} plays it again.")
        raise


def test_a_world_follows_from_its_seed_alone() -> None:
    first, second = World(11), World(11)
    first.play()
    second.play()
    assert first.sim_context.trace() == second.sim_context.trace()
