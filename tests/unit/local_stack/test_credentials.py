"""The local stack's tokens end, and are renewed in time."""

from pathlib import Path

import pytest

from local_stack.addresses import SERVICES
from local_stack.credentials import Credentials


def test_tokens_are_renewed_when_half_of_their_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, now = Credentials(tmp_path), 1_800_000_000
    monkeypatch.setattr("local_stack.credentials.time.time", lambda: now)
    keys.prepare(SERVICES)
    made = {file: file.read_text() for file in tmp_path.glob("*.tokens/*")}
    assert {(file.parent.stem, file.name) for file in made} == {
        ("rule-engine", "entity-service"),
        ("rule-engine", "trigger-service"),
        ("rule-engine", "doc-service"),
        ("rule-engine", "comms-service"),
        ("trigger-service", "entity-service"),
        ("comms-service", "doc-service"),
    }
    now += 3 * 3600
    assert keys.renew(SERVICES) == []
    (keys.service_tokens("comms-service") / "doc-service").write_text("half of a tok")
    assert keys.renew(SERVICES) == [("comms-service", "doc-service")]
    now += 1
    assert len(keys.renew(SERVICES)) == len(made) - 1
    assert not {file.read_text() for file in made} & set(made.values())
