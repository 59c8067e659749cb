"""Conditions that were ever written are read, judged and written again as they were."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from contracts.conditions import Condition
from rule_engine.domain.language.conditions import compiled

ADAPTER: TypeAdapter[Condition] = TypeAdapter(Condition)
GOLDEN = [
    one for file in sorted((Path(__file__).parent / "conditions").iterdir()) for one in json.loads(file.read_text())
]
VALUES: dict[str, Any] = {
    "now": "2026-03-02T12:00:00Z",
    "tenant": {"time_zone": "Europe/Berlin"},
    "item": {
        "title": "Oak table",
        "activity_count": 0,
        "amount": {"amount": 5, "currency": "EUR"},
        "tags": ["new"],
        "fields": {},
        "due": "2026-03-02T12:00:00Z",
    },
    "var": {"least": 3},
    "products": [{"quantity": 2, "tags": []}, {"quantity": 4.5, "tags": ["y"]}],
}


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: json.dumps(golden["condition"])[:60])
def test_a_condition_means_what_it_always_meant(golden: dict[str, Any]) -> None:
    condition = ADAPTER.validate_python(golden["condition"])
    assert compiled(condition)(VALUES).holds is golden["holds"]
    assert ADAPTER.dump_python(condition, mode="json", by_alias=True) == golden["condition"]
