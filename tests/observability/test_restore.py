"""What is lost and what is doubled when one of the stores comes back older than the others.

`docs/deploying.md` says the same in its section on backups.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_stack.demo.reading import Reading
from local_stack.layout import remove_folder
from observability.installation import ADDRESS, PHONE, Installation, open_installation
from support.waiting import eventually, until

pytestmark = [pytest.mark.observability, pytest.mark.timeout(900)]


@pytest.fixture
def installation(session_folder: Path) -> Iterator[Installation]:
    with open_installation(session_folder / "restored") as installation:
        yield installation


class People:
    """What the shop's people and its clients see."""

    def __init__(self, installation: Installation) -> None:
        self._visitor, self._manager = installation.shop.visitor, installation.shop.manager
        self._reading = Reading(installation.shop)

    def sms(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._visitor.get("sms", "/messages", to=PHONE)
        return found

    def mails(self) -> list[str]:
        """The Message-ID of every mail that the client has got."""
        return [mail["message_id"] for mail in self._visitor.get("mail", "/mails", to=ADDRESS)]

    def knows(self, item: str) -> bool:
        return self._manager.find("entity-service", f"/v1/items/{item}") is not None

    def stages(self, item: str) -> list[str]:
        """Those whose entry automation knows of."""
        return [one["stage"] for one in self._reading.automation(item)["stages"] if one["entries"]]

    def state(self, item: str, stage: str, rule: str) -> str:
        return self._reading.state(item, stage, rule)

    def move(self, item: str, stage: str) -> None:
        path, headers = f"/v1/items/{item}/stage", {"If-Match": "*"}
        self._manager.send("PUT", "entity-service", path, json={"stage": stage}, headers=headers)

    def number(self, item: str) -> str:
        """Of the item's document, once it is made."""
        until(lambda: self.state(item, "document", "make") == "done", "the document", 120)
        (document,) = self._reading.documents(item)
        return str(document["number"])


def copied(folder: Path, to: Path) -> None:
    """With its owner, as a backup of files is."""
    subprocess.run(["cp", "-a", str(folder), str(to)], check=True)  # noqa: S603, S607 - our own folders


async def test_an_older_postgresql_with_temporal_wiped_and_kafka_kept(
    installation: Installation, session_folder: Path
) -> None:
    stack, people = installation.stack, People(installation)
    cluster, backup = (stack.postgres.home / "cluster").resolve(), session_folder / "backup"
    waiting = mail, sms = installation.item("mail_later"), installation.item("sms_later")
    until(lambda: [people.stages(one) for one in waiting] == [["mail_later"], ["sms_later"]], "the waits", 60)
    stack.kill(["rule-engine"])
    on_its_way = installation.item("note")
    await eventually(lambda: published(installation, "entity-service"), "its entry to be published", 30)
    stack.postgres.stop()
    copied(cluster, backup)
    stack.start(["postgres", "rule-engine"])

    lost = installation.item("document")
    number = people.number(lost)
    until(lambda: len(people.sms()) == len(people.mails()) == 1, "what was waited for", 120)
    until(lambda: people.state(on_its_way, "note", "tell") == "done", "what was on its way", 60)

    stack.kill(["all"])
    remove_folder(stack.temporal.home)
    remove_folder(cluster)
    copied(backup, cluster)
    stack.start(["all"])
    assert not people.knows(lost), "changes since the backup are gone"
    until(lambda: people.state(mail, "mail_later", "send") == "done", "the mail to be sent again", 180)
    until(lambda: people.state(sms, "sms_later", "send") == "done", "the SMS to be sent again", 60)
    assert people.number(installation.item("document")) == number, "a number is given a second time"
    (first, second) = people.mails()
    assert first == second, "a mail comes twice, with one Message-ID"
    assert len(people.sms()) == 1, "the provider recognises the key of an SMS"
    assert people.stages(on_its_way) == [], "its entry is not taken in a second time"
    people.move(on_its_way, "idle")
    people.move(on_its_way, "note")
    until(lambda: people.state(on_its_way, "note", "tell") == "done", "the rule of a new entry", 120)
    async with installation.sql("rule-engine") as connection:
        assert await connection.fetchval("SELECT count(*) FROM dead_letters") == 0


async def test_kafka_wiped_with_postgresql_and_temporal_kept(installation: Installation) -> None:
    stack, people = installation.stack, People(installation)
    stack.kill(["comms-service"])
    commanded = installation.item("sms")
    until(lambda: people.state(commanded, "sms", "send").startswith("running"), "the command to be given", 60)
    await eventually(lambda: published(installation, "rule-engine"), "it to be published", 30)
    stack.kill(["rule-engine"])
    unplanned = installation.item("note")
    await eventually(lambda: published(installation, "entity-service"), "the entry to be published", 30)

    stack.kill(["kafka"])
    remove_folder(stack.kafka.home)
    stack.up()  # makes the topics
    later = installation.item("note")
    until(lambda: people.state(later, "note", "tell") == "done", "what comes afterwards", 180)
    assert people.stages(unplanned) == [], "an event that nobody had taken in is lost"
    assert people.sms() == [], "so is a command"
    await installation.execute("rule-engine", "UPDATE command_deadlines SET ask_again_at = now()")  # after ten minutes
    until(lambda: people.state(commanded, "sms", "send") == "done", "the command to be given again", 120)
    assert len(people.sms()) == 1


async def published(installation: Installation, service: str) -> bool:
    async with installation.sql(service) as connection:
        return bool(await connection.fetchval("SELECT count(*) = 0 FROM outbox"))
