"""Which errors mean that a server is away: the consumer waits, and no message is to blame."""

from typing import ClassVar

import asyncpg
from aiokafka.errors import KafkaError

from contracts.kit.database import INFRASTRUCTURE_ERRORS
from contracts.kit.errors import KitError


class OutageError(KitError):
    """Another service of ours, or Temporal, is away: try again later."""

    told: ClassVar[str] = "a server behind this service is away"
    """What callers of the API are told."""


OUTAGES = (*INFRASTRUCTURE_ERRORS, KafkaError, OutageError)
TOO_MUCH_AT_ONCE = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError, asyncpg.TransactionRollbackError)
"""Errors that a smaller transaction may avoid."""
