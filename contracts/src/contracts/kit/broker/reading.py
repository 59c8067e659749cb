"""Turns records into messages, and says of those that are none what is wrong with them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError

from contracts.decoding import decode
from contracts.envelope import Envelope, UndecodableError
from contracts.issues import issues_of
from contracts.kit import telemetry
from contracts.kit.broker.batch import Batch, Read
from contracts.kit.broker.subscription import Subscription
from contracts.kit.failures import in_words
from contracts.kit.inbox import Inbox, OutsideInboxError
from contracts.kit.kafka import KafkaRecord

logger = structlog.get_logger(__name__)


class Reader:
    """Reads what one subscription wants."""

    def __init__(self, subscription: Subscription[Any], inbox: Inbox) -> None:
        self._subscription = subscription
        self._inbox = inbox
        self._types = {body.TYPE: body for body in subscription.bodies}

    def read(self, records: Sequence[KafkaRecord], *, replayed: bool = False) -> Batch:
        batch, read = Batch(), list[Read]()
        for record in records:
            try:
                message = self._read_message(record, replayed)
                read += [] if message is None else [(record, message)]
            except UndecodableError as error:
                batch.dead.append((record, "undecodable", str(error)))
            except ValidationError as error:
                batch.dead.append((record, "invalid", _where(error)))
            except OutsideInboxError as error:
                batch.dead.append((record, "outside_inbox", str(error)))
            except Exception as error:  # a defect of ours must not stop the partition
                logger.exception("record could not be read", topic=record.topic, offset=record.offset)
                batch.dead.append((record, "undecodable", f"{in_words(error)} when it was read"))
        batch.groups.extend([read] if read else [])
        return batch

    def _read_message(self, record: KafkaRecord, replayed: bool) -> Envelope[Any] | None:
        """Null for a message that this subscription does not want."""
        envelope = decode(record.headers, record.value)
        body = self._types.get(envelope.type)
        if body is None:
            telemetry.MESSAGES.labels(record.topic, "skipped").inc()
            return None
        if not self._subscription.wanted(envelope):
            return None
        if not self._subscription.deduplicate and not _is_uuid(envelope.id):
            raise UndecodableError("header ce_id: the id of a command is a UUID")
        message = envelope.with_data(body.model_validate_json(envelope.data))
        if self._subscription.deduplicate:
            self._inbox.check(message, replayed=replayed)
        return message


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _where(error: ValidationError) -> str:
    """Where a body is wrong, without its values."""
    return "; ".join(f"{where or 'value'}: {what}" for where, what in issues_of(error)[:5])
