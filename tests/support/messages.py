"""Messages as the neighbours of a service under test send them."""

from datetime import datetime
from uuid import UUID

from contracts.envelope import Body, Cause, Envelope, command, event
from contracts.kit.clock import new_id, utc_now
from contracts.messages.results import CancelCommand, FinalResult, cancel_id, result_id
from contracts.topics import item_key


def order[B: Body](
    body: B,
    tenant: UUID,
    item: UUID | str,
    *,
    id: UUID | None = None,
    causes: tuple[Cause, ...] = (),
    root: str | None = None,
    issuer: str = "rule-engine",
    causation: str | None = None,
) -> Envelope[B]:
    """A command about an item."""
    return command(
        body,
        issuer=issuer,
        id=id or new_id(),
        tenant=tenant,
        key=item_key(tenant, item),
        time=utc_now(),
        correlation="a-correlation",
        causation=causation,
        causepath=causes,
        root=root,
    )


def cancellation(target: UUID, tenant: UUID, item: UUID) -> Envelope[CancelCommand]:
    """Asks to drop a command."""
    return order(CancelCommand(target=target), tenant, item, id=cancel_id(target))


def fact[B: Body](
    body: B,
    tenant: UUID,
    item: UUID,
    *,
    source: str = "entity-service",
    at: datetime | None = None,
    causes: tuple[Cause, ...] = (),
) -> Envelope[B]:
    """An event about an item."""
    return event(
        body,
        source=source,
        id=new_id(),
        tenant=tenant,
        key=item_key(tenant, item),
        time=at or utc_now(),
        causepath=causes,
    )


def answer(to: Envelope[Body], result: FinalResult, *, source: str) -> Envelope[FinalResult]:
    """The final result of a command, as its owner publishes it."""
    return Envelope(
        id=str(result_id(to.tenant, to.command_id, 0)),
        source=source,
        type=result.TYPE,
        time=utc_now(),
        tenant=to.tenant,
        key=to.key,
        data=result,
        correlation=to.correlation,
        causation=to.id,
        issuer=to.issuer,
    )
