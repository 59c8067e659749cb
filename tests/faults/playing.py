"""The story as the fault tests play it: from the form to the renewal, and the count of its effects."""

from collections.abc import Mapping
from typing import Any

from local_stack.demo.story import Story

PHONE = "+390655512345"


def play(story: Story) -> None:
    """All but the killing of everything at once, which has a test of its own. Beside it somebody wants no messages."""
    contact = opt_out(story)
    story.send_form()
    story.get_sms()
    story.await_call()
    story.prepare_documents()
    story.pay()
    story.get_material()
    story.win()
    move_what_waits(story)
    story.let_half_a_year_pass()
    story.count_effects()
    opt_in(story, contact)


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
