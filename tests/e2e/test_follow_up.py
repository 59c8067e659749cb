"""Scenario S4 on all services and servers: workflows that answer, wait for days and follow up; everything is killed and
started again in every pause.
"""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from local_stack.apply import Services, apply, read
from local_stack.demo.reading import Reading, parse_mail
from local_stack.demo.shop import Shop
from local_stack.plan import plan
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify, pytest.mark.timeout(1200)]


class Enquiries:
    """Leads whose client has an address of their own, and what the shop's people see of their workflows."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.seen = Reading(shop)
        self.address = f"alex-{uuid4().hex[:8]}@client.example"

    def lead(self, title: str, source: str | None = None) -> str:
        contact = {"first_name": "Alex", "emails": [{"address": self.address}]}
        client = self.shop.manager.post("entity-service", "/v1/contacts", contact)["id"]
        body = {"kind": "lead", "title": title, "pipeline": "enquiries", "contact_ids": [client]}
        fields = {"fields": {"source": source}} if source else {}
        return str(self.shop.manager.post("entity-service", "/v1/items", body | fields)["id"])

    def start(self, code: str, lead: str) -> str:
        return str(self.shop.head.post("rule-engine", f"/v1/workflows/{code}/runs", {"item_id": lead})["id"])

    def run_of(self, lead: str) -> str:
        """The run of the workflow that began by itself."""

        def found() -> list[str]:
            rows = self.shop.manager.list("rule-engine", "/v1/runs", item_id=lead)
            return sorted({row["run_id"] for row in rows if row["workflow"]})

        until(lambda: len(found()) == 1, "the workflow to begin")
        return found()[0]

    def run(self, run: str) -> dict[str, Any]:
        found: dict[str, Any] = self.shop.manager.get("rule-engine", f"/v1/runs/{run}")
        return found

    def steps(self, run: str, name: str) -> list[dict[str, Any]]:
        """The executions of a block, in the order in which they began."""
        return [row for row in self.run(run)["rules"] if row["name"] == name]

    def waits_in(self, run: str, name: str) -> dict[str, Any]:
        """The block's execution that waits, once it does."""
        until(lambda: self._last(run, name).get("state") == "waiting", f"{name} to wait")
        return self._last(run, name)

    def _last(self, run: str, name: str) -> dict[str, Any]:
        return (self.steps(run, name) or [{}])[-1]

    def the_pause_is_over(self, run: str, name: str, turn: int = 1) -> None:
        """Everything is killed in the pause of that turn; afterwards somebody shortens it."""
        until(lambda: len(self.steps(run, name)) == turn, f"{name} to begin for the {turn}. time")
        self.shop.stack.kill(["all"])
        self.shop.stack.start(["all"])
        step = self.waits_in(run, name)["step"]
        now = {"until": datetime.now(UTC).isoformat()}
        self.shop.head.post("rule-engine", f"/v1/runs/{run}/blocks/{step}/move", now)

    def is_taken_in_hand(self, lead: str) -> None:
        wanted = {"pipeline": "enquiries", "stage": "in_hand"}
        self.shop.manager.send(
            "PUT", "entity-service", f"/v1/items/{lead}/stage", json=wanted, headers={"If-Match": "*"}
        )

    def ends(self, run: str, outcome: str) -> None:
        until(lambda: self.run(run)["outcome"] == outcome, f"the workflow to end as {outcome}")

    def subjects(self) -> list[str]:
        """Of the mails that the client has got."""
        raw = self.seen.mails(self.address).values()
        return sorted(line[9:] for mail in raw for line in mail.decode().splitlines() if line.startswith("Subject: "))


@pytest.fixture
def enquiries(shop: Shop) -> Enquiries:
    documents = read(Path(__file__).parent / "follow_up.yaml")
    with closing(Services(shop.stack.addresses, shop.stack.credentials, shop.tenant)) as services:
        apply(documents, services, lambda _, __: None)
        assert [one.words() for one in plan(documents, services) if one.change != "same"] == []
    return Enquiries(shop)


@pytest.mark.parametrize(
    ("title", "source", "answer"),
    [
        ("An oak table", "web_form", ["We have your form"]),
        ("A message", None, ["We have your message"]),
        ("A", None, []),
    ],
)
def test_an_enquiry_is_answered_and_followed_up_after_a_week(
    enquiries: Enquiries, title: str, source: str | None, answer: list[str]
) -> None:
    lead = enquiries.lead(title, source)
    run = enquiries.run_of(lead)
    pause = enquiries.waits_in(run, "a_week")
    assert datetime.fromisoformat(pause["due_at"]) - datetime.now(UTC) > timedelta(days=6, hours=23)
    assert enquiries.seen.item(lead)["stage"] == "automatic_processing"
    enquiries.the_pause_is_over(run, "a_week")
    enquiries.ends(run, "done")
    until(lambda: enquiries.subjects() == sorted([*answer, "Are you still interested?"]), "the mails")


def test_an_enquiry_that_somebody_took_in_hand_is_not_followed_up(enquiries: Enquiries) -> None:
    lead = enquiries.lead("An oak table", "web_form")
    run = enquiries.run_of(lead)
    enquiries.waits_in(run, "a_week")
    until(lambda: enquiries.subjects() == ["We have your form"], "the answer")
    enquiries.is_taken_in_hand(lead)
    enquiries.the_pause_is_over(run, "a_week")
    enquiries.ends(run, "done")
    assert enquiries.steps(run, "still_waiting")[-1]["reason"] == "no condition was true"
    assert enquiries.subjects() == ["We have your form"]


def test_mails_go_out_until_there_were_five_whatever_is_killed_in_between(enquiries: Enquiries) -> None:
    lead = enquiries.lead("A", "fair")
    enquiries.run_of(lead)
    run = enquiries.start("five-mails", lead)
    for turn in range(1, 6):
        enquiries.the_pause_is_over(run, "two_days", turn)
    enquiries.ends(run, "done")
    mails = [f"Mail {number}" for number in range(1, 6)]
    until(lambda: enquiries.subjects() == mails, "five mails")
    assert [row["iteration"] for row in enquiries.steps(run, "mail")] == [0] * 5
    assert enquiries.steps(run, "over")[-1]["reason"] == "5 mails were sent"
    texts = [parse_mail(raw)[0].strip() for raw in enquiries.seen.mails(enquiries.address).values()]
    assert texts == ["Alex, we are here."] * 5


def test_mails_stop_at_once_when_somebody_takes_the_enquiry_in_hand(enquiries: Enquiries) -> None:
    lead = enquiries.lead("A", "fair")
    enquiries.run_of(lead)
    run = enquiries.start("five-mails", lead)
    enquiries.the_pause_is_over(run, "two_days")
    until(lambda: len(enquiries.steps(run, "two_days")) == 2, "the second pause")
    enquiries.is_taken_in_hand(lead)
    enquiries.ends(run, "done")
    assert enquiries.steps(run, "over")[-1]["reason"] == "2 mails were sent"
    assert enquiries.steps(run, "two_days")[-1]["state"] == "cancelled"
