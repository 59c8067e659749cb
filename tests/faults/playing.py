"""The story as the fault tests play it: from the form to the renewal, and the count of its effects."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from local_stack.demo.story import Story

VISIT = "Measure the room"
PHONE = "+390655512345"
GRANTED = {"block": "approve", "name": "granted", "subject": "{{ item.title }}?", "voters": ["manager"]}
ALONE = {"block": "lock_item", "name": "alone", "branches": [{"name": "locked", "blocks": [GRANTED]}]}
REQUEST = {"kind": "request", "publish": True, "blocks": [ALONE]}
"""A workflow that asks the manager for something."""
LINK = {"block": "action", "name": "link", "type": "create_payment_link", "params": {}}
COLLECT = {"kind": "invoice", "publish": True, "blocks": [LINK]}
"""A workflow that asks the payment provider for a link; on an invoice, since the story counts its deals."""


def play(story: Story) -> None:
    """All but the killing of everything at once, which has a test of its own.

    Beside it somebody wants no messages, a workflow asks an employee while it keeps others from changing its item, and
    the manager is reminded of a visit; a client gets a link to pay at.
    """
    contact = opt_out(story)
    approve(story)
    story.send_form()
    story.get_sms()
    plan_visit(story)
    collect(story)
    story.await_call()
    story.prepare_documents()
    story.pay()
    story.get_material()
    story.win()
    move_what_waits(story)
    story.let_half_a_year_pass()
    story.count_effects()
    opt_in(story, contact)
    is_reminded(story)


def move_what_waits(story: Story) -> None:
    """The rules are published again with a renamed rule: what waits for half a year goes on in the new version."""
    shop, path = story.shop, "/v1/rule-sets/sales"
    document = shop.owner.get("rule-engine", path)["document"]
    for rule in document["stages"]["won"]["rules"]:
        rule["title"] = "Renamed"
    new = shop.owner.put("rule-engine", path, document | {"publish": True})["version"]
    migration = shop.head.post("rule-engine", f"{path}/migrations", {"dry_run": False, "stages": ["won"]})

    def ended() -> tuple[str, int]:
        seen = shop.head.get("rule-engine", f"{path}/migrations/{migration['id']}")
        return seen["status"], seen["left_alone"]

    story.check.wait_equal("the migration is done", "rule-engine", ended, ("done", 0))
    rule = story.seen.rule(story.deal, "won", "repeat_lead")
    seen = rule["version"], rule["title"], rule["state"]
    story.check.equal("the rule waits in the new version", "rule-engine", seen, (new, "Renamed", "waiting"))


def approve(story: Story) -> None:
    """The manager answers once, however often the answer has to be sent; afterwards the item is not locked any more."""
    shop = story.shop
    stages = [{"code": "new", "name": "New"}]
    shop.owner.put("entity-service", "/v1/item-types/request", {"title": {"en": "Request"}})
    pipeline = {"name": "Requests", "kind": "request", "stages": stages}
    shop.owner.put("entity-service", "/v1/pipelines/requests", pipeline)
    shop.owner.put("rule-engine", "/v1/workflows/request", REQUEST)
    item = shop.manager.post("entity-service", "/v1/items", {"kind": "request", "title": "A discount"})["id"]
    run = shop.head.post("rule-engine", "/v1/workflows/request/runs", {"item_id": item})["id"]

    def inbox() -> list[dict[str, Any]]:
        return shop.manager.list("rule-engine", "/v1/assignments", item_id=item)

    story.check.wait_equal("the manager is asked once", "rule-engine", lambda: len(inbox()), 1)
    path = f"/v1/assignments/{inbox()[0]['id']}/answer"
    body, seen = {"choice": "approve"}, {"If-Match": "*"}
    shop.manager.send("POST", "rule-engine", path, json=body, headers=seen, also=[409])

    def ended() -> list[object]:
        found = shop.manager.get("rule-engine", f"/v1/runs/{run}")
        votes = [row["outputs"] and len(row["outputs"]["votes"]) for row in found["rules"] if row["name"] == "granted"]
        return [found["outcome"], *votes, shop.manager.get("entity-service", f"/v1/items/{item}")["lock"]]

    story.check.wait_equal("one vote has counted, and the item is free", "rule-engine", ended, ["done", 1, None])


def collect(story: Story) -> None:
    """The provider makes one link, however often it has to be asked, and the payment has it."""
    shop = story.shop
    secret = shop.stack.credentials.secrets.payment_secret
    bank = {"name": "The bank", "provider": "sandbox", "secret": secret}
    shop.owner.put("entity-service", "/v1/payment-accounts/bank", bank)
    shop.owner.put("rule-engine", "/v1/workflows/collect", COLLECT)
    due = {"amount": 100_001, "currency": "EUR"}
    item = shop.manager.post("entity-service", "/v1/items", {"kind": "invoice", "title": "A bed", "amount": due})["id"]
    run = shop.head.post("rule-engine", "/v1/workflows/collect/runs", {"item_id": item})["id"]

    def outcome() -> object:
        return shop.head.get("rule-engine", f"/v1/runs/{run}")["outcome"]

    story.check.wait_equal("the link is made", "rule-engine", outcome, "done")
    payments = shop.manager.list("entity-service", f"/v1/items/{item}/payments")
    made = [one for one in shop.visitor.get("payments", "/links") if one["asked"]["payment_id"] == payments[0]["id"]]
    seen = len(payments), payments[0]["amount"], len(made), payments[0]["link"].rpartition("/")[2] == made[0]["id"]
    story.check.equal("one payment is expected, by one link", "entity-service", seen, (1, due, 1, True))


def plan_visit(story: Story) -> None:
    """The reminder comes soon, but not before those who plan it may have died a few times."""
    deadline = datetime.now(UTC) + timedelta(minutes=1, seconds=40)
    visit = {"name": VISIT, "deadline": deadline.isoformat(), "reminders": [1]}
    visit |= {"responsible_id": story.shop.ids["manager"]}
    story.shop.manager.post("entity-service", f"/v1/items/{story.deal}/planned-activities", visit)


def is_reminded(story: Story) -> None:
    """Once."""

    def reminders() -> int:
        told = story.shop.manager.list("comms-service", "/v1/notifications")
        return [one["title"] for one in told].count(VISIT)

    story.check.wait_equal("the manager is reminded of the visit, once", "comms-service", reminders, 1)


def opt_out(story: Story) -> str:
    """Said of a new contact; returns the contact."""
    body = {"first_name": "Ada", "phones": [{"number": PHONE}], "opted_out": True}
    contact = str(story.shop.manager.post("entity-service", "/v1/contacts", body)["id"])
    _known(story, contact, opted_out=True)
    return contact


def opt_in(story: Story, contact: str) -> None:
    """Said of the address, later."""
    story.shop.manager.put("comms-service", f"/v1/opt-outs/{PHONE}", {"opted_out": False})
    _known(story, contact, opted_out=False)


def _known(story: Story, contact: str, *, opted_out: bool) -> None:
    """The service that keeps consent, its mirror, and the contact say the same."""
    manager = story.shop.manager

    def said() -> list[bool]:
        kept = manager.find("comms-service", f"/v1/opt-outs/{PHONE}")
        mirrored = manager.list("entity-service", f"/v1/contacts/{contact}/consents")
        shown = manager.get("entity-service", f"/v1/contacts/{contact}")
        return [_opted_out(one) for one in (kept, *mirrored, shown) if one]

    both = f"comms-service and the contact say opted_out {opted_out}"
    story.check.wait_equal(both, "comms-service", said, [opted_out] * 3)


def _opted_out(one: Mapping[str, Any]) -> bool:
    return bool(one["opted_out"])
