"""What can be written as a run time."""

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.contexts import FieldSchema
from rule_engine.domain.authoring.run_times import run_time_issues
from rule_engine.domain.language import value_types
from support.due_times import RUN_TIMES
from support.shop import SCHEMA


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ({"when": "after"}, "give at least one of months"),
        ({"when": "before", "days": 1}, "from"),
        ({"when": "before", "days": 1, "from": "entry"}, "from"),
        ({"when": "after", "hours": 1, "clock": "10:00"}, "a clock time goes with"),
        ({"when": "after", "days": -1}, "greater than or equal to 0"),
        ({"when": "after", "days": 1, "from": "contact.birthday"}, "from"),
        ({"when": "at"}, "give a date, or from"),
        ({"when": "at", "date": "2026-12-24", "from": "item.fields.day"}, "not both"),
        ({"when": "at", "clock": "24:00"}, "clock"),
        ({"when": "now", "days": 1}, "days"),
        ({"when": "now", "working_time": "somebody"}, "working_time"),
    ],
)
def test_a_run_time_that_makes_no_sense_is_refused(run: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        RUN_TIMES.validate_python(run)


def test_only_single_dates_and_moments_of_the_item_can_be_counted_from() -> None:
    fields = (
        FieldSchema(code="day", name="Day", kind="deal", type="date"),
        FieldSchema(code="size", name="Size", kind="deal", type="text"),
        FieldSchema(code="days", name="Days", kind="deal", type="date", multiple=True),
    )
    names = value_types.names("deal", SCHEMA.model_copy(update={"fields": fields}), {})

    def found(path: str) -> list[str]:
        return [what for _, what in run_time_issues(RUN_TIMES.validate_python({"when": "at", "from": path}), names)]

    assert found("item.fields.day") == found("item.created_at") == []
    assert found("item.fields.dya") == ["there is no name 'dya' in item.fields: did you mean 'day'?"]
    assert found("item.fields.size") == ["item.fields.size is a text: count from a date or a moment"]
    assert found("item.fields.days") == ["item.fields.days is a list: count from a date or a moment"]
