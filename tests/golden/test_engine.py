"""Programs and states of every format go on as they did: runs are kept for as long as their waits are."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rule_engine.blocks import BLOCKS
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import read_state
from support.runs import T0, context, go, snapshot, states

FORMATS = sorted((Path(__file__).parent / "engine").iterdir())
STATES = [path for folder in FORMATS for path in sorted(folder.glob("*.json")) if path.stem != "program"]


@pytest.mark.parametrize("path", STATES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_stored_state_goes_on_as_it_did_when_it_was_stored(path: Path) -> None:
    program = Program.model_validate_json((path.parent / "program.json").read_text()).bound(BLOCKS)
    golden = json.loads(path.read_text())
    after = timedelta(minutes=golden["minutes_after_entry"])
    step = go(program, read_state(golden["state"], program, T0), after, context(snapshot(**golden["item"])))
    assert states(step) == golden["then"]["rules"], golden["what"]
    assert len(step.emissions) == golden["then"]["commands"], golden["what"]


@pytest.mark.parametrize("folder", FORMATS, ids=lambda folder: folder.name)
def test_a_stored_program_is_written_as_it_was_read(folder: Path) -> None:
    stored = json.loads((folder / "program.json").read_text())
    written = Program.model_validate(stored).model_dump(mode="json", by_alias=True)
    assert _holds(written, stored)


def _holds(written: Any, stored: Any) -> bool:
    """Whether everything that was stored is in what is written, at any depth."""
    match stored:
        case dict():
            return all(name in written and _holds(written[name], value) for name, value in stored.items())
        case list():
            return len(written) == len(stored) and all(map(_holds, written, stored))
        case _:
            return bool(written == stored)


@pytest.mark.parametrize("field", ["format", "surprise"])
def test_a_newer_program_or_state_is_not_taken_for_one_of_ours(field: str) -> None:
    stored = json.loads((FORMATS[-1] / "program.json").read_text())
    with pytest.raises(ValueError, match=field):
        Program.model_validate(stored | {field: 99})
