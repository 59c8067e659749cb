"""Scenario S2, repeat sales: a contract is approved with an activity, and the won deal leads to the next ones.

What is expected is written by hand, and nothing is asked but public HTTP APIs.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from datetime import time as clock_time
from typing import Any

from local_stack.demo.moments import months_after, tomorrow_at
from local_stack.demo.plot import Plot, Step

ZONE = "Europe/Lisbon"
WISH = "Machine for the lobby"
COMPANY = "Example Hotels"
PLACE = "in the lobby"
CONTRACT = b"A machine for the lobby, 24 months."
MEETING = "Go through the contract with Alex Example"
FILING = "File the contract of Alex Example"
LINK = "https://meet.example.com/lakeside-contracts"
DESCRIPTION = f'Alex Example leases "{WISH}".\nIt will stand here: {PLACE}'
ROWS = [
    {"name": "Espresso machine", "quantity": "1", "price": 89_000, "tax_percent": "23"},
    {"name": "Beans", "quantity": "24", "unit": "kg", "price": 2_150, "discount_percent": "5", "tax_percent": "13"},
]
CARRIED_OVER = ("fields", "contact_ids", "company_id", "amount", "source", "observer_ids")
OWN = {"name", "description", "minutes", "reminders", "colour", "add_to_calendar", "guests", "room", "link", "files"}

type Json = dict[str, Any]


class RepeatSales(Plot):
    """From a contract to the next ones."""

    example = "repeat-sales"
    kept = "The contract is"

    def steps(self) -> Sequence[Step]:
        return (
            Step(1, "A hotel wants to lease a coffee machine", self.begin),
            Step(2, "The contract is to be approved: an activity is planned with everything it needs", self.approve),
            Step(3, "The client signs: one activity is completed by itself, the other stays open", self.sign),
            Step(4, "The deal is won, and copied twice", self.win),
            Step(5, "Half a year passes, and the client is asked again", self.ask_again),
        )

    def begin(self) -> None:
        manager = self.shop.manager
        alex, kai = (self._contact(first_name) for first_name in ("Alex", "Kai"))
        self.contact = alex
        self.company = manager.post("entity-service", "/v1/companies", {"title": COMPANY})["id"]
        deal: Json = {
            "kind": "deal",
            "title": WISH,
            "source": "fair",
            "contact_ids": [alex, kai],
            "company_id": self.company,
        }
        deal |= {"responsible_id": self.shop.ids["manager"], "observer_ids": [self.shop.ids["technician"]]}
        deal |= {"fields": {"contract": self._upload(), "place": PLACE}}
        self.deal = manager.post("entity-service", "/v1/items", deal)["id"]
        anyhow = {"If-Match": "*"}
        path = f"/v1/items/{self.deal}/products"
        manager.send("PUT", "entity-service", path, json={"rows": ROWS}, headers=anyhow)
        place = self.seen.item(self.deal)
        seen = place["pipeline"], place["stage"]
        self.check.equal(f"deal {self.deal} is in New", "entity-service", seen, ("contracts", "new"))

    def _contact(self, first_name: str) -> str:
        person = {"first_name": first_name, "last_name": "Example"}
        return str(self.shop.manager.post("entity-service", "/v1/contacts", person)["id"])

    def _upload(self) -> Json:
        self._keep("contract.txt", CONTRACT)
        plain = {"Content-Type": "text/plain"}
        path = "/v1/files?name=contract.txt"
        answer = self.shop.manager.send("POST", "doc-service", path, content=CONTRACT, headers=plain)
        file: Json = answer.json()["file"]
        return file

    def approve(self) -> None:
        self._move("contract_approval")
        for rule in ("go_through_contract", "file_contract"):
            self._wait_for("contract_approval", rule, "done")
        meeting = self._planned(MEETING)
        due = tomorrow_at(datetime.fromisoformat(meeting["created_at"]), clock_time(14), ZONE)
        self._look_at_meeting(meeting, due)
        self._look_at_calendars(meeting, due)
        booked = [(one["activity_id"], datetime.fromisoformat(one["start"])) for one in self._bookings()]
        self.check.equal("the Lake room is booked for it", "entity-service", booked, [(meeting["id"], due)])

    def _look_at_meeting(self, meeting: Json, due: datetime) -> None:
        deadline = datetime.fromisoformat(meeting["deadline"])
        text = f"its deadline is tomorrow 14:00 in Lisbon, {due:%F %H:%M} UTC"
        self.check.equal(text, "rule-engine", deadline, due)
        deal = self.seen.item(self.deal)
        expected = {"name": MEETING, "description": DESCRIPTION, "minutes": 90, "reminders": [60, 15]}
        expected |= {"colour": "yellow", "add_to_calendar": True, "guests": [self.shop.ids["head_of_sales"]]}
        expected |= {"room": "lake", "link": LINK, "files": [deal["fields"]["contract"]]}
        seen = {name: meeting[name] for name in OWN}
        self.check.equal("description, reminders, colour, guest, room, link and file", "rule-engine", seen, expected)
        who = meeting["responsible_id"], meeting["contact_ids"]
        everybody = (self.shop.ids["manager"], deal["contact_ids"])
        self.check.equal("the manager meets all contacts of the deal", "rule-engine", who, everybody)

    def _look_at_calendars(self, meeting: Json, due: datetime) -> None:
        """Of the responsible person, and of the colleague who is invited."""
        day = {"from": (due - timedelta(days=1)).isoformat(), "to": (due + timedelta(days=1)).isoformat()}
        expected = [(meeting["id"], due, due + timedelta(minutes=90), "yellow")]
        for employee in ("manager", "head_of_sales"):
            events = self.shop.manager.get("entity-service", f"/v1/employees/{employee}/calendar", **day)["events"]
            seen = [
                (one["id"], *map(datetime.fromisoformat, (one["start"], one["end"])), one["colour"]) for one in events
            ]
            self.check.equal(f"it is in the calendar of {employee}, yellow, too", "entity-service", seen, expected)

    def sign(self) -> None:
        self._move("invoice_payment")
        self.check.equal(
            "going through the contract is done", "entity-service", self._planned(MEETING)["status"], "done"
        )
        self.check.equal("filing it is still to be done", "entity-service", self._planned(FILING)["status"], "open")
        self.check.equal("the Lake room is free again", "entity-service", self._bookings(), [])

    def _planned(self, name: str) -> Json:
        found = [one for one in self.seen.of_item(self.deal, "planned-activities") if one["name"] == name]
        return self._only(f"planned activity {name!r}", "entity-service", found)

    def _bookings(self) -> list[Json]:
        return self.seen.of_item(self.deal, "bookings")

    def win(self) -> None:
        self._won_at = datetime.fromisoformat(self._move("won").json()["updated_at"])
        self._interlude("won")
        for rule in ("next_contract", "maintenance"):
            self._wait_for("won", rule, "done")
        copies = [one for one in self.seen.items(pipeline="contracts") if one["id"] != self.deal]
        self._look_at_copy(self._only("copy in Contracts", "entity-service", copies), "new", "manager")
        elsewhere = self._only("copy in Maintenance", "entity-service", self.seen.items(pipeline="maintenance"))
        self._look_at_copy(elsewhere, "planned", "technician")
        self._waits_until("won", "repeat_lead", months_after(self._won_at, 6, ZONE))

    def _look_at_copy(self, copy: Json, stage: str, responsible: str) -> None:
        seen = copy["title"], copy["stage"], copy["responsible_id"]
        expected = f"{WISH} Copy", stage, self.shop.ids[responsible]
        self.check.equal(f"{copy['title']!r}, in its first stage, for {responsible}", "entity-service", seen, expected)
        deal = self.seen.item(self.deal)
        values = ({name: one[name] for name in CARRIED_OVER} for one in (copy, deal))
        self.check.equal("all its fields and clients carried over", "entity-service", *values)
        rows = self.seen.products(copy["id"]), self.seen.products(self.deal)
        self.check.equal("products carried over", "entity-service", *rows)

    def ask_again(self) -> None:
        self._run_now("won", "repeat_lead")
        lead = self._only("lead", "entity-service", self.seen.items(kind="lead"))
        seen = lead["title"], lead["source"], lead["contact_ids"][:1], lead["company_id"]
        expected = f"Second machine for {COMPANY}", "repeat sale", [self.contact], self.company
        self.check.equal(f"{lead['title']!r}, linked to the client", "entity-service", seen, expected)
        sources = [link["item_id"] for link in self.seen.of_item(lead["id"], "links") if link["direction"] == "from"]
        self.check.equal("and to the deal it comes from", "entity-service", sources, [self.deal])
        self._teller.automation(self.seen.automation(self.deal))
        self.check.wait_equal("nothing is pending, overdue or put aside", "rule-engine", self.seen.unsettled, {})
