"""Scenario S1, the furniture shop: each step does what people do, then checks what automation makes of it.

The numbers of the steps are the scenario's. What is expected is written by hand, and nothing is asked but public HTTP
APIs and the peers.
"""

import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from hashlib import sha256
from typing import Any

from local_stack.demo.moments import months_after, tomorrow_at
from local_stack.demo.plot import Plot, Step
from local_stack.demo.reading import parse_mail, services_of
from local_stack.demo.shop import FURNITURE_SHOP, ZONE

WISH = "oak table"
COMPANY = "Example Hotels"
SMS = "Hello Alex, a manager will contact you within 30 minutes"
ROWS = [
    {"name": "Oak table", "quantity": "1", "price": 120_000, "tax_percent": "22"},
    {"name": "Oak chair", "quantity": "6", "price": 15_000, "discount_percent": "10", "tax_percent": "22"},
]
TOTAL = {"amount": 146_400 + 98_820, "currency": "EUR"}  # 1 x 1,200.00 + 22 %; 6 x 150.00 - 10 % + 22 %
MAIL = """\
Dear Alex,

here is your invoice {number}:
{link}
You will find it attached, too.

Robin Example
Oak & Ash Furniture
"""
MATERIAL = "1 pcs Oak table\n6 pcs Oak chair\n"
CARRIED_OVER = ("fields", "contact_ids", "company_id", "amount", "responsible_id")
WAY_OF_THE_MAIL = {"entity-service", "rule-engine", "doc-service", "comms-service"}


class Story(Plot):
    """From a visitor's wish to the renewal."""

    example = FURNITURE_SHOP
    kept = "SMS, mail and PDF are"

    def pages(self) -> Sequence[str]:
        return (self.shop.owner.url("trigger-service", self.shop.form), *super().pages())

    def steps(self) -> Sequence[Step]:
        return (
            Step(1, "A visitor sends the site's form, and the browser sends it twice", self.send_form),
            Step(2, "The visitor gets an SMS", self.get_sms),
            Step(3, "If nobody calls within 30 minutes, the head of sales is notified", self.await_call),
            Step(4, "The manager calls, and has the invoice made", self.prepare_documents),
            Step(5, "The client pays, and the bank says so twice", self.pay),
            Step(6, "The warehouse is to get the material ready", self.get_material),
            Step(7, "The table is made, and the deal is won", self.win),
            Step(8, "Everything is killed and started again; then half a year passes", self.survive),
            Step(9, "Everything can be explained", self.explain),
        )

    def send_form(self) -> None:
        visitor, form = self.shop.visitor, self.shop.form
        page = visitor.send("GET", "trigger-service", form, headers={"Accept": "application/json"}).json()
        answers = {"name": "Alex Example", "phone": self._phone, "email": self._email, "wish": WISH}
        time.sleep(page["min_age_s"])  # a person needs longer to fill it in
        self._began = datetime.now(UTC)
        for _ in range(2):
            visitor.send("POST", "trigger-service", form, data=answers | {"_nonce": page["nonce"]})
        self._interlude("form")
        self.check.wait_equal(
            "one submission made a deal, the other was seen to be the same",
            "trigger-service",
            lambda: _count(self.seen.verdicts("form_submitted")),
            {"created": 1, "others": {"duplicate"}},
        )
        contacts = self.shop.manager.list("entity-service", "/v1/contacts", phone=self._phone)
        self.contact = self._only("contact", "entity-service", contacts)["id"]
        deal = self._only("deal", "entity-service", self.seen.items(kind="deal"))
        self.deal = deal["id"]
        place = deal["title"], deal["stage"], deal["contact_ids"]
        self.check.equal(f"deal {self.deal} is in New", "entity-service", place, (WISH, "new", [self.contact]))

    def get_sms(self) -> None:
        sent = self.check.wait(
            "the SMS provider has a message for the client",
            "comms-service",
            lambda: self.seen.sms(self._phone, self._began),
            bool,
        )
        took = datetime.fromisoformat(sent[0]["received_at"]) - self._began
        self._teller.say(f"from form to SMS: {took.total_seconds():.2f} s")
        self.check.equal(f"it reads “{SMS}”", "rule-engine", [each["text"] for each in sent], [SMS])
        self._wait_for("new", "greet", "done")
        self._keep("sms.txt", f"to {self._phone}\n{sent[0]['text']}\n".encode())

    def await_call(self) -> None:
        entry = self.seen.entries(self.deal, "new")[0]
        rule = self.seen.rule(self.deal, "new", "nobody_called")
        due = datetime.fromisoformat(entry["entered_at"]) + timedelta(minutes=30)
        seen = rule["state"], datetime.fromisoformat(rule["due_at"])
        self.check.equal(f"this rule waits until {due:%H:%M:%S} UTC", "rule-engine", seen, ("waiting", due))
        count = self.seen.item(self.deal)["activity_count"]
        self.check.equal("the SMS does not count as an activity: only what people log does", "entity-service", count, 0)

    def prepare_documents(self) -> None:
        self._work_on_deal()
        self.trace_id = self._move("document_preparation").headers["trace-id"]
        self._interlude("documents")
        self._wait_for("new", "nobody_called", "cancelled: left the stage")
        self._wait_for("document_preparation", "create_document", "done")
        self._wait_for("document_preparation", "send_invoice", "done")
        raw = self._only("mail", "comms-service", list(self.seen.mails(self._email).values()))
        self._keep("mail.eml", raw)
        self._read_mail(*parse_mail(raw))

    def _work_on_deal(self) -> None:
        manager, deal = self.shop.manager, f"/v1/items/{self.deal}"
        call = {"kind": "call", "subject": "Asked about size and wood"}
        manager.post("entity-service", f"{deal}/activities", call)
        company = {"title": COMPANY, "address": "Piazza Esempio 2, 50100 Firenze", "tax_number": "IT11111111111"}
        self.company = manager.post("entity-service", "/v1/companies", company)["id"]
        manager.put("entity-service", f"{deal}/company", {"company_id": self.company})
        manager.put("entity-service", f"{deal}/products", {"rows": ROWS})
        self._change({"fields": {"delivery_address": "Piazza Esempio 2"}})
        item = self.seen.item(self.deal)
        seen = item["activity_count"], item["amount"]
        self.check.equal("a call is logged, company and products are there", "entity-service", seen, (1, TOTAL))

    def _read_mail(self, text: str, attachments: Sequence[bytes]) -> None:
        document = self._only("document", "doc-service", self.seen.documents(self.deal))
        link = "".join(re.findall(r"http\S+", text))
        expected = MAIL.format(number=document["number"], link=link)
        self.check.equal(f"it speaks of invoice {document['number']}, and has a link", "rule-engine", text, expected)
        hashes = [sha256(content).hexdigest() for content in attachments]
        self.check.equal("the PDF is attached", "comms-service", hashes, [document["pdf"]["sha256"]])
        self._open_link(link, document["number"], attachments[0])

    def _open_link(self, link: str, number: str, pdf: bytes) -> None:
        base = self.shop.visitor.url("doc-service", "")
        self.check.equal(f"the link leads to doc-service: {link}", "doc-service", link[: len(base)], base)
        path = link.removeprefix(base)
        page = self.shop.visitor.send("GET", "doc-service", path).text
        self.check.equal("it opens a page with the invoice's number", "doc-service", number in page, True)
        download = self.shop.visitor.send("GET", "doc-service", f"{path}/pdf", params={"download": "1"}).content
        same = download == pdf and download.startswith(b"%PDF")
        self.check.equal(f"the same PDF downloads ({len(pdf)} bytes)", "doc-service", same, True)
        self._keep("invoice.pdf", download)
        self.check.wait_equal(
            "that the client has opened it is known, and leaves the deal where it is",
            "trigger-service",
            lambda: self.seen.verdicts("document_viewed", self.deal),
            ["same"],
        )

    def pay(self) -> None:
        self.payment, invoice = self._invoice({})
        self._call_back(self.payment, TOTAL["amount"], times=2)
        self._interlude("payment")
        self.check.wait_equal(
            "the trigger moved the deal to Prepayment",
            "trigger-service",
            lambda: self.seen.verdicts("invoice_paid", self.deal),
            ["moved"],
        )
        self.check.wait_equal(
            "once, and the deal is there",
            "entity-service",
            lambda: (len(self.seen.entries(self.deal, "prepayment")), self.seen.item(self.deal)["stage"]),
            (1, "prepayment"),
        )
        self.check.equal("the invoice is paid, too", "entity-service", self.seen.item(invoice)["stage"], "paid")

    def _invoice(self, wanted: dict[str, object]) -> tuple[str, str]:
        """The payment that is expected, and the invoice."""
        made = self.shop.manager.post("entity-service", f"/v1/items/{self.deal}/invoices", wanted)
        self._teller.say(f"the manager made {made['invoice']['title']!r}, payment {made['payment_id']}")
        return made["payment_id"], made["invoice"]["id"]

    def _call_back(self, payment: str, amount: object, times: int) -> None:
        url = self.shop.payment_callback
        order = {"amount": amount, "currency": "EUR", "times": times, "at_once": True, "callback_url": url}
        answer = self.shop.visitor.post("payments", f"/payments/{payment}/pay", order)
        said = f"the bank called back: paid ({times} times at once)" if times > 1 else "the bank called back: paid"
        self.check.equal(said, "entity-service", answer["calls"], [204] * times)

    def get_material(self) -> None:
        self._wait_for("prepayment", "collect_wood", "done")
        task = self._only("task", "entity-service", self.seen.of_item(self.deal, "tasks"))
        who = task["name"], task["assignee_id"]
        expected = (f'Get the material for "{WISH}" ready', self.shop.ids["warehouse_worker"])
        self.check.equal(f"{task['name']!r}, for the warehouse worker", "rule-engine", who, expected)
        self.check.equal("its description lists the products", "rule-engine", task["description"], MATERIAL)
        due = tomorrow_at(datetime.fromisoformat(task["created_at"]), clock_time(14), ZONE)
        deadline = datetime.fromisoformat(task["deadline"])
        self.check.equal(f"its deadline is tomorrow 14:00 in Rome, {due:%F %H:%M} UTC", "rule-engine", deadline, due)

    def win(self) -> None:
        self._move("production")
        self._call_back(self.payment, TOTAL["amount"], times=1)
        payment, _ = self._invoice({"title": "Invoice: delivery", "amount": {"amount": 5_000, "currency": "EUR"}})
        self._call_back(payment, 5_000, times=2)
        self.check.wait_equal(
            "the deal is further on already: the trigger lets it be",
            "trigger-service",
            lambda: self.seen.verdicts("invoice_paid", self.deal),
            ["moved", "behind"],
        )
        self.check.equal("it is in production", "entity-service", self.seen.item(self.deal)["stage"], "production")
        self._won_at = datetime.fromisoformat(self._move("won").json()["updated_at"])
        self._interlude("won")
        self._wait_for("won", "installation", "done")
        self._look_at_copy()
        self._look_at_wait()

    def _look_at_copy(self) -> None:
        copy = self._only("deal in Installation", "entity-service", self.seen.items(pipeline="installation"))
        deal = self.seen.item(self.deal)
        seen = copy["title"], copy["stage"]
        self.check.equal(f"{copy['title']!r}, in its first stage", "entity-service", seen, (f"{WISH} Copy", "planned"))
        for name in CARRIED_OVER:
            self.check.equal(f"{name} carried over", "entity-service", copy[name], deal[name])
        rows = self.seen.products(copy["id"]), self.seen.products(self.deal)
        self.check.equal("products carried over", "entity-service", *rows)

    def _look_at_wait(self) -> None:
        self._waits_until("won", "repeat_lead", months_after(self._won_at, 6, ZONE))

    def survive(self) -> None:
        before = self.seen.rule(self.deal, "won", "repeat_lead")
        self.shop.stack.kill(["all"])
        alive = [part.name for part in self.shop.stack.parts if part.alive]
        self.check.equal(
            "kill -9 of services, Kafka, PostgreSQL, Temporal, peers: nothing lives", "supervisor", alive, []
        )
        self.shop.stack.start(["all"])
        self._teller.say("all of it is started again")
        self.check.equal(
            "the waiting rule is as it was, with the same due time",
            "rule-engine",
            self.seen.rule(self.deal, "won", "repeat_lead"),
            before,
        )
        self._look_at_wait()
        self.let_half_a_year_pass()

    def let_half_a_year_pass(self) -> None:
        self._run_now("won", "repeat_lead")
        lead = self._only("lead", "entity-service", self.seen.items(kind="lead"))
        seen = lead["title"], lead["contact_ids"], lead["company_id"]
        expected = f"Renewal for {COMPANY}", [self.contact], self.company
        self.check.equal(f"{lead['title']!r}, linked to the client", "entity-service", seen, expected)
        sources = [link["item_id"] for link in self.seen.of_item(lead["id"], "links") if link["direction"] == "from"]
        self.check.equal("and to the deal it comes from", "entity-service", sources, [self.deal])

    def explain(self) -> None:
        self.count_effects()
        self._teller.automation(self.seen.automation(self.deal))
        mail = self._only("message of kind email", "comms-service", self.seen.messages(self.deal, "email"))
        self.check.equal("the mail belongs to step 4's trace", "comms-service", mail["trace_id"], self.trace_id)
        trace = self.check.wait(
            f"trace {self.trace_id} leads from the manager's request to the mail",
            "traces",
            lambda: self.seen.trace(self.trace_id),
            lambda seen: services_of(seen["roots"]) >= WAY_OF_THE_MAIL and _is_whole(seen["roots"]),
        )
        roots = [span["name"] for span in trace["roots"]]
        self.check.equal("everything in it comes from that request", "traces", roots, ["PUT /v1/items/{id}/stage"])
        self._teller.trace(trace)

    def count_effects(self) -> None:
        """Each effect of the whole story, once."""
        effects = {
            "SMS": len(self.seen.sms(self._phone, self._began)),
            "mails": len(self.seen.mails(self._email)),
            "documents": len(self.seen.documents(self.deal)),
            "tasks": len(self.seen.of_item(self.deal, "tasks")),
            "deals": len(self.seen.items(kind="deal", pipeline="sales")),
            "copies": len(self.seen.items(kind="deal", pipeline="installation")),
            "leads": len(self.seen.items(kind="lead")),
            "entries into Prepayment": len(self.seen.entries(self.deal, "prepayment")),
        }
        once = dict.fromkeys(effects, 1)
        self.check.equal(f"each effect is there once: {', '.join(effects)}", "rule-engine", effects, once)
        inbox = self.shop.head.list("comms-service", "/v1/notifications")
        self.check.equal("the head of sales was never bothered", "comms-service", inbox, [])
        self.check.wait_equal("nothing is pending, overdue or put aside", "rule-engine", self.seen.unsettled, {})


def _count(verdicts: Sequence[str]) -> dict[str, object]:
    """A visitor whose answer was lost sends the form once more."""
    return {"created": verdicts.count("created"), "others": {*verdicts} - {"created"}}


def _is_whole(roots: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every span has its parent; services send spans with a delay."""
    return all(not span["parent_id"] for span in roots)
