"""Scenario S5 on all services and servers: dates over weekends, holidays and clock changes, moved, emptied and past;
beside it, what one deal's rules count is known to the next one's.

The moments are written by hand. In 2096 the 29th of February is a Wednesday, Easter Monday the 16th of April; clocks
are set forward on the 25th of March and back on the 28th of October.
"""

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local_stack.apply import Services, apply, read
from local_stack.demo.reading import Reading
from local_stack.demo.shop import Shop
from local_stack.plan import plan
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify, pytest.mark.timeout(900)]

WEEKEND = {
    # Sunday is free, so Friday evening; Friday and Thursday are two working days
    "day_before": "2096-03-02T18:00:00+01:00",
    "two_days_before": "2096-03-01T10:00:00+01:00",
    "month_before": "2096-02-05T00:00:00+01:00",
    "week_after": "2096-03-12T09:00:00+01:00",
}
EASTER = {
    "day_before": "2096-04-13T18:00:00+02:00",
    "two_days_before": "2096-04-12T10:00:00+02:00",
    "month_before": "2096-03-17T00:00:00+01:00",
    "week_after": "2096-04-24T09:00:00+02:00",
}
SHORT_MONTH = {
    "day_before": "2096-03-30T10:00:00+02:00",
    "two_days_before": "2096-03-29T10:00:00+02:00",
    "month_before": "2096-02-29T00:00:00+01:00",
    "week_after": "2096-04-07T09:00:00+02:00",
}
SPRING = {
    "hours_before_call": "2096-03-24T11:00:00+01:00",
    "day_before_call": "2096-03-24T12:00:00+01:00",
    "at_call": "2096-03-25T12:00:00+02:00",
}
AUTUMN = {
    "hours_before_call": "2096-10-27T13:00:00+02:00",
    "day_before_call": "2096-10-27T12:00:00+02:00",
    "at_call": "2096-10-28T12:00:00+01:00",
}
GAP = {
    # half past two does not exist on the day before
    "hours_before_call": "2096-03-25T01:30:00+01:00",
    "day_before_call": "2096-03-25T03:00:00+02:00",
    "at_call": "2096-03-26T02:30:00+02:00",
}


@pytest.fixture
def visits(shop: Shop) -> "Visits":
    documents = read(Path(__file__).parent / "visits.yaml")
    with closing(Services(shop.stack.addresses, shop.stack.credentials, shop.tenant)) as services:
        answers = apply(documents, services, lambda _, __: None)
        assert [one.words() for one in plan(documents, services) if one.change != "same"] == []
    return Visits(shop, answers["employee/fitter"]["id"])


class Visits:
    """Deals with a day and a moment, and what the shop's people see of their rules."""

    def __init__(self, shop: Shop, fitter: str) -> None:
        self._shop = shop
        self._fitter = fitter
        self._seen = Reading(shop)

    def deal(self, stage: str = "agreed", **fields: str) -> str:
        body = {"kind": "deal", "title": "Visit", "pipeline": "visits", "stage": stage, "fields": fields}
        made = self._shop.manager.post("entity-service", "/v1/items", body | {"responsible_id": self._fitter})
        return str(made["id"])

    def change(self, deal: str, **fields: str | None) -> None:
        body = {"fields": fields}
        self._shop.manager.send("PATCH", "entity-service", f"/v1/items/{deal}", json=body, headers={"If-Match": "*"})

    def are_due(self, deal: str, expected: Mapping[str, str]) -> None:
        """Waits until these rules wait for these moments."""
        moments = {name: datetime.fromisoformat(moment) for name, moment in expected.items()}
        until(lambda: {name: self._due(deal, name) for name in moments} == moments, f"the deal to be due {expected}")

    def _due(self, deal: str, name: str) -> datetime | None:
        rule = self._rules(deal).get(name, {})
        return datetime.fromisoformat(rule["due_at"]) if rule.get("due_at") and rule["state"] == "waiting" else None

    def _rules(self, deal: str) -> dict[str, Any]:
        entries = [entry for stage in ("agreed", "fitting") for entry in self._seen.entries(deal, stage)]
        return {rule["name"]: rule for entry in entries for rule in entry["rules"]}

    def comes_to(self, deal: str, rule: str, state: str, stage: str = "agreed") -> None:
        until(lambda: self._seen.state(deal, stage, rule) == state, f"{rule} to be {state!r}")

    def is_away_until(self, back: datetime) -> None:
        absence = {"from": "2020-01-01T00:00:00Z", "until": back.isoformat()}
        self._shop.owner.put("entity-service", "/v1/employees/fitter/schedule", {"absences": [absence]})

    def due(self, deal: str, name: str) -> datetime:
        return datetime.fromisoformat(self._rules(deal)[name]["due_at"])

    def tasks(self, deal: str) -> list[str]:
        return sorted(task["name"] for task in self._seen.of_item(deal, "tasks"))

    def run_now(self, deal: str, rule: str, stage: str) -> None:
        found = self._seen.rule(deal, stage, rule)
        path = f"/v1/runs/{found['run_id']}/rules/{found['rule_id']}/run-now"
        self._shop.head.post("rule-engine", path, {})


def test_rules_wait_for_the_moments_that_people_expect(visits: Visits) -> None:
    weekend = visits.deal(visit="2096-03-05", call="2096-03-25T12:00:00+02:00")
    holiday = visits.deal(visit="2096-04-17", call="2096-10-28T12:00:00+01:00")
    short = visits.deal(visit="2096-03-31", call="2096-03-26T02:30:00+02:00")
    visits.are_due(weekend, WEEKEND | SPRING)
    visits.are_due(holiday, EASTER | AUTUMN)
    visits.are_due(short, SHORT_MONTH | GAP)


def test_dates_that_change_move_the_rules_that_follow_them_and_emptied_ones_end_or_hold_them(visits: Visits) -> None:
    deal = visits.deal(visit="2096-03-05", call="2096-03-25T12:00:00+02:00")
    visits.are_due(deal, WEEKEND | SPRING)
    visits.change(deal, visit="2096-04-17", call="2096-10-28T12:00:00+01:00")
    visits.are_due(deal, EASTER | AUTUMN | {"at_call": SPRING["at_call"]})
    visits.change(deal, visit=None)
    visits.comes_to(deal, "day_before", "skipped: item.fields.visit is empty")
    visits.comes_to(deal, "week_after", "waiting: waits for item.fields.visit")
    visits.change(deal, visit="2096-03-31")
    visits.are_due(deal, {"week_after": SHORT_MONTH["week_after"]})
    visits.comes_to(deal, "day_before", "skipped: item.fields.visit is empty")


def test_what_is_past_acts_at_once_and_what_is_near_by_itself(visits: Visits) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=5)
    deal = visits.deal(visit="2020-03-05", call=soon.isoformat())
    for rule in ("month_before", "week_after", "hours_before_call", "day_before_call", "at_call"):
        visits.comes_to(deal, rule, "done")
    expected = {"month_before", "week_after", "hours_before_call", "day_before_call", "at_call"}
    assert expected <= set(visits.tasks(deal))
    assert len(visits.tasks(deal)) == len(set(visits.tasks(deal)))


def test_a_rule_waits_for_a_person_on_leave_unless_an_operator_lets_it_act(visits: Visits) -> None:
    back = datetime.now(UTC) + timedelta(days=40)
    visits.is_away_until(back)
    deal = visits.deal(stage="fitting")
    visits.comes_to(deal, "fit", "waiting", "fitting")
    assert back <= visits.due(deal, "fit") <= back + timedelta(days=5)  # a weekend, and holidays beside it
    visits.run_now(deal, "fit", "fitting")
    visits.comes_to(deal, "fit", "done", "fitting")
    assert visits.tasks(deal) == ["fit"]


def test_a_variable_goes_on_from_deal_to_deal(visits: Visits) -> None:
    for number in (1, 2):
        deal = visits.deal(stage="over")
        visits.comes_to(deal, "thank", "done", "over")
        assert visits.tasks(deal) == [f"Visit {number} from Via Esempio 1"]
