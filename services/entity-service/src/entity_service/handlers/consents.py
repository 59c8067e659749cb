"""Copies what comms-service knows of consents, and logs what it did not record."""

import structlog

from contracts import topics
from contracts.envelope import Envelope
from contracts.kit.broker import Subscription, each
from contracts.kit.database import Connection
from contracts.messages.comms import ConsentChanged
from contracts.messages.results import CommandFailed, CommandRefused
from entity_service import store
from entity_service.messages import SERVICE

logger = structlog.get_logger(__name__)


async def on_consent_changed(message: Envelope[ConsentChanged], tx: Connection) -> None:
    """Versions go up, in whatever order they come in."""
    changed = message.data
    if await store.consents.mirror(tx, message.tenant, changed) and not changed.opted_out:
        await store.consents.withdraw(tx, message.tenant, changed.address, changed.at)


async def on_not_done(message: Envelope[CommandRefused | CommandFailed], _: Connection) -> None:
    """A consent that was not recorded, or a reminder that was not delivered: people do the rest.

    The contact shows what was recorded here all the same, and messages to it carry that.
    """
    logger.error(
        "comms-service did not do what it was asked to", command_id=message.data.command_id, reason=message.data.reason
    )


def events() -> Subscription:
    return Subscription(
        topics=(topics.COMMS_EVENTS,), bodies=(ConsentChanged,), handle=each({ConsentChanged: on_consent_changed})
    )


def results() -> Subscription:
    """The results of this service's own commands that are not what was asked for."""
    bodies = (CommandRefused, CommandFailed)
    return Subscription(
        topics=(topics.COMMS_RESULTS,),
        bodies=bodies,
        handle=each(dict.fromkeys(bodies, on_not_done)),
        wanted=lambda message: message.issuer == SERVICE,
    )
