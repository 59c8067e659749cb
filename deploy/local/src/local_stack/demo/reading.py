"""What can be asked about one shop from outside: through services' APIs, and of the peers."""

import re
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from local_stack.addresses import SERVICES
from local_stack.demo.shop import Shop

_UNSETTLED = re.compile(r"(outbox_pending|work_pending|outbox_parked_total|dead_letters_total|runs_overdue)\b")

type Json = dict[str, Any]


class Reading:
    """Questions of the shop's manager, and of those who look at the peers. Nothing is changed."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._ask = shop.manager

    def item(self, id: str) -> Json:
        found: Json = self._ask.get("entity-service", f"/v1/items/{id}")
        return found

    def items(self, **filters: str) -> list[Json]:
        return self._ask.list("entity-service", "/v1/items", **filters)

    def of_item(self, id: str, what: str) -> list[Json]:
        """Its `tasks`, `links`, `payments`, …"""
        return self._ask.list("entity-service", f"/v1/items/{id}/{what}")

    def products(self, id: str) -> Json:
        """Rows without their ids, which copies have of their own, and what they come to."""
        found: Json = self._ask.get("entity-service", f"/v1/items/{id}/products")
        rows = [{name: value for name, value in row.items() if name != "id"} for row in found["rows"]]
        return found | {"rows": rows}

    def automation(self, id: str) -> Json:
        """Empty until automation knows the item."""
        return self._ask.find("rule-engine", f"/v1/automation/items/{id}") or {"stages": []}

    def entries(self, id: str, stage: str) -> list[Json]:
        """How often the item entered the stage, and what its rules came to."""
        stages = [view for view in self.automation(id)["stages"] if view["stage"] == stage]
        return [entry for view in stages for entry in view["entries"]]

    def rule(self, id: str, stage: str, name: str) -> Json:
        """What became of a rule at the last entry into its stage; empty before that."""
        rules = [rule for entry in self.entries(id, stage) for rule in entry["rules"] if rule["name"] == name]
        return rules[-1] if rules else {}

    def state(self, id: str, stage: str, name: str) -> str:
        """As people read it: `done`, `cancelled: left the stage`."""
        rule = self.rule(id, stage, name)
        return ": ".join(filter(None, (rule.get("state"), rule.get("reason"))))

    def verdicts(self, trigger_type: str, item: str | None = None) -> list[str]:
        """Those of the arrivals of a type, the oldest first."""
        filters = {"item_id": item} if item else {}
        arrivals = self._ask.list("trigger-service", "/v1/arrivals", **filters)
        return [each["verdict"] for each in reversed(arrivals) if each["trigger_type"] == trigger_type]

    def documents(self, item: str) -> list[Json]:
        return self._ask.list("doc-service", "/v1/documents", item_id=item)

    def messages(self, item: str, kind: str) -> list[Json]:
        found = self._ask.list("comms-service", "/v1/messages", item_id=item)
        return [message for message in found if message["kind"] == kind]

    def sms(self, phone: str, since: datetime) -> list[Json]:
        """What the SMS provider accepted."""
        found: list[Json] = self._shop.visitor.get("sms", "/messages", to=phone)
        return [sms for sms in found if datetime.fromisoformat(sms["received_at"]) >= since]

    def mails(self, address: str) -> dict[str, bytes]:
        """What the mail server has, by Message-ID: a mail that came twice with one id is one."""
        found = self._shop.visitor.get("mail", "/mails", to=address)
        raw = {mail["message_id"]: f"/mails/{mail['id']}/raw" for mail in found}
        return {id: self._shop.visitor.send("GET", "mail", path).content for id, path in raw.items()}

    def unsettled(self) -> dict[str, float]:
        """What the services' metrics say is pending or put aside and should not be, as `<service> <metric>`."""
        texts = {name: self._shop.visitor.send("GET", name, "/metrics").text for name in SERVICES}
        lines = [(name, *line.rpartition(" ")[::2]) for name, text in texts.items() for line in text.splitlines()]
        return {
            f"{name} {metric}": float(value)
            for name, metric, value in lines
            if _UNSETTLED.match(metric) and float(value)
        }

    def trace(self, trace_id: str) -> Json:
        """Empty as long as no span of it has arrived."""
        return self._shop.visitor.find("traces", f"/traces/{trace_id}") or {"spans": 0, "roots": []}


def parse_mail(raw: bytes) -> tuple[str, list[bytes]]:
    """A mail's words, with plain line ends, and its attachments."""
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)  # noqa: S101 - what this policy makes
    body = mail.get_body(("plain",))
    attachments = [part.get_payload(decode=True) for part in mail.iter_attachments()]
    text = str(body.get_content()).replace("\r\n", "\n") if body else ""
    return text, [content for content in attachments if isinstance(content, bytes)]


def services_of(spans: list[Json]) -> set[str]:
    """Whose spans they are, with those below them."""
    return {span["service"] for span in spans}.union(*(services_of(span["children"]) for span in spans))
