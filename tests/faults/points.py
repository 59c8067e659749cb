"""The points at which services are killed, along the way of design section 2. The services know nothing of them."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import batched, chain, zip_longest
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Point:
    """Before or after a call of `target` (`module:attribute`), when the call gave something if `given`.

    `at_most`: how often it can be reached with one thing to do.
    """

    service: str
    name: str
    when: Literal["before", "after"]
    target: str
    given: bool = False
    at_most: int = 2

    def crash_counts(self, folder: Path) -> Path:
        """The file with the number of crashes that are left."""
        return folder / f"{self.service}, {self.name}"


WRITTEN = "contracts.kit.outbox:Outbox.put"
COMMITTED = "contracts.kit.outbox:Relay.wake"
PUBLISHED = "contracts.kit.outbox:_send"
OFFSET = "contracts.kit.broker.consumer:commit"
HANDLED = "contracts.kit.commands:Commands._handle"
LEASED = "contracts.kit.worker:Worker._lease"
PLANNED = "rule_engine.handlers.planner:Planner.plan"
STARTED = "rule_engine.scheduler:Scheduler._start"
FIRED = "rule_engine.activities:Activities.advance_run"
RECORDED = "rule_engine.application.recorder:Recorder.record"
ADVANCED = "rule_engine.activities:Activities._try"
TAKEN_IN = "rule_engine.handlers.results:Results.take_in"
MOVED = "rule_engine.application.migrations:Mover.move"
PAGE_MOVED = "rule_engine.jobs:MigrationJob.run"
KEPT = "doc_service.gateways.files:FileStore.put"
SMS_SENT = "comms_service.gateways.sms:SmsGateway.send"
MAIL_SENT = "comms_service.gateways.mail:MailGateway.send"
CONSENT_PUT = "comms_service.application.consents:Consents.put"
CONSENT_RECORDED = "comms_service.application.consents:Consents.record"
CONSENT_COMMANDED = "entity_service.application.contacts:Contacts._record"
CONSENT_MIRRORED = "entity_service.handlers.consents:on_consent_changed"
ASKED = "rule_engine.store.assignments:Assignments.add"
ANSWERED = "rule_engine.store.assignments:Assignments.answer"
REMINDED = "entity_service.application.reminders:Reminders.due"
PROVIDER_ASKED = "entity_service.gateways.providers:Providers.ask"
LOCKED = "entity_service.application.locks:Locks.ask"
UNLOCKED = "entity_service.application.locks:Locks.free"
READ = "trigger_service.handlers:Handlers.on_result"

POINTS = (
    Point("entity-service", "a change is written, before its commit", "after", WRITTEN),
    Point("entity-service", "a change is committed, before the answer", "after", COMMITTED),
    Point("entity-service", "published, before the rows are deleted", "after", PUBLISHED),
    Point("entity-service", "a command is handled, before its commit", "after", HANDLED),
    Point("entity-service", "a command is committed, before its offset", "before", OFFSET),
    Point("entity-service", "consent is commanded, before its commit", "after", CONSENT_COMMANDED),
    Point("entity-service", "consent is mirrored, before its commit", "after", CONSENT_MIRRORED),
    Point("entity-service", "a reminder is due, before its commit", "after", REMINDED),
    Point("entity-service", "an item is locked for a workflow, before its commit", "after", LOCKED),
    Point("entity-service", "an item is unlocked, before its commit", "after", UNLOCKED),
    Point("entity-service", "the provider has the payment, before the commit", "after", PROVIDER_ASKED),
    Point("rule-engine", "planned, before the commit", "after", PLANNED),
    Point("rule-engine", "planned or settled, before the offset", "before", OFFSET),
    Point("rule-engine", "an execution is started, before its row knows", "after", STARTED),
    Point("rule-engine", "before the execution advances", "before", FIRED),
    Point("rule-engine", "a step is written, before its commit", "after", RECORDED),
    Point("rule-engine", "a step is committed, before the execution ends", "after", ADVANCED),
    Point("rule-engine", "published, before the rows are deleted", "after", PUBLISHED),
    Point("rule-engine", "a result is taken in, before the commit", "after", TAKEN_IN),
    Point("rule-engine", "runs are moved, before the commit", "after", MOVED),
    Point("rule-engine", "moved runs are committed, before the next page", "after", PAGE_MOVED),
    Point("rule-engine", "employees are asked, before the commit", "after", ASKED),
    Point("rule-engine", "an answer is stored, before its commit", "after", ANSWERED),
    Point("doc-service", "a command is handled, before its commit", "after", HANDLED),
    Point("doc-service", "a command is committed, before its offset", "before", OFFSET),
    Point("doc-service", "work is leased, before it begins", "after", LEASED, given=True),
    Point("doc-service", "the PDF is kept, before the commit", "after", KEPT),
    Point("doc-service", "published, before the rows are deleted", "after", PUBLISHED),
    Point("comms-service", "a command is committed, before its offset", "before", OFFSET),
    Point("comms-service", "work is leased, before it begins", "after", LEASED, given=True),
    # Once: meanwhile the provider's receipt may tell the next worker that the message is out.
    Point("comms-service", "the SMS provider has it, before the commit", "after", SMS_SENT, at_most=1),
    Point("comms-service", "the mail server has it, before the commit", "after", MAIL_SENT),
    Point("comms-service", "published, before the rows are deleted", "after", PUBLISHED),
    Point("comms-service", "a command's consent is recorded, before its commit", "after", CONSENT_RECORDED),
    Point("comms-service", "consent is put, before its commit", "after", CONSENT_PUT),
    Point("trigger-service", "an arrival is written, before its commit", "after", WRITTEN),
    Point("trigger-service", "an arrival is committed, before the answer", "after", COMMITTED),
    Point("trigger-service", "a result is read, before the commit", "after", READ),
    Point("trigger-service", "judged, before the offset", "before", OFFSET),
    Point("trigger-service", "published, before the rows are deleted", "after", PUBLISHED),
)


def rounds() -> list[tuple[Point, ...]]:
    """All points, at most four of each service in a round: services die at the same time, too."""
    by_service: dict[str, list[Point]] = defaultdict(list)
    for point in POINTS:
        by_service[point.service].append(point)
    parts = [list(batched(points, 4, strict=False)) for points in by_service.values()]
    return [tuple(chain.from_iterable(together)) for together in zip_longest(*parts, fillvalue=())]
