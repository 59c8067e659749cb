"""The rule engine's settings, from its environment."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from contracts.kit.plaintext import SecretUrl
from contracts.kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """The kit's settings, Temporal, other services' addresses, deadlines and intervals."""

    temporal_address: str
    temporal_namespace: str = "default"
    temporal_task_queue: str = "rule-engine"
    entity_service_url: SecretUrl
    trigger_service_url: SecretUrl | None = None
    """Asked for triggers when a rule set is published, to find circles; without it publishing says that it did not."""
    doc_service_url: SecretUrl | None = None
    comms_service_url: SecretUrl | None = None
    """Asked for templates and channels when a rule set that names some is published; without them it says that it did
    not look.
    """
    result_deadline: timedelta = timedelta(minutes=10)
    """After so long without a final result, a command is sent again, with the same id and bytes."""
    sweep_every: timedelta = timedelta(seconds=5)
    overdue_after: timedelta = timedelta(seconds=30)
    reconcile_every: timedelta = timedelta(hours=1)
    graceful_shutdown: timedelta = timedelta(seconds=10)
    decisions_days: Annotated[int, Field(ge=1)] = 400
    """Days that decisions are kept, to explain why a rule did or did not act."""
