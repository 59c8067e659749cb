"""Consumers that take batches and survive any bytes.

`subscription` says what a service consumes. `consumer` polls as a member of the `group`, `reading` turns records into
messages, `processing` handles a batch in one transaction and sorts out what can go wrong. `raw_records` takes apart
what the client cannot read.
"""

from contracts.kit.broker.consumer import Consumer
from contracts.kit.broker.group import Member
from contracts.kit.broker.outages import OUTAGES, OutageError
from contracts.kit.broker.processing import CONTRADICTIONS, Processor
from contracts.kit.broker.subscription import BatchHandler, Subscription, each

__all__ = [
    "CONTRADICTIONS",
    "OUTAGES",
    "BatchHandler",
    "Consumer",
    "Member",
    "OutageError",
    "Processor",
    "Subscription",
    "each",
]
