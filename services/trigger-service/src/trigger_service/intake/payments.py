"""Reports of payment providers."""

from uuid import UUID

from contracts.kit.clock import Clock
from contracts.kit.database import Connection
from contracts.reports import PaymentReport
from trigger_service import messages
from trigger_service.domain import repeats
from trigger_service.domain.payments import Provider
from trigger_service.domain.repeats import Claim
from trigger_service.intake.arrivals import Arrivals, claim_of
from trigger_service.store import arrivals


class Payments:
    """Accepts reports."""

    def __init__(self, arrivals: Arrivals, clock: Clock) -> None:
        self._arrivals = arrivals
        self._clock = clock

    async def take(
        self, tx: Connection, tenant: UUID, provider: Provider, webhook_id: str, report: PaymentReport
    ) -> UUID:
        """A report; the arrival that answers it, which is the first one's for a repeat. Raises `KeyReusedError`."""
        arrival = self._arrivals.begin(tenant, "payment_callback", f"payment_provider:{provider.code}")
        identity = repeats.of_report(tenant, provider.code, report)
        first = (await self._arrivals.claim(tx, tenant, claim_of(arrival, identity))).arrival_id
        name = repeats.of_webhook(tenant, provider.code, webhook_id)
        named = Claim(key=name, content=identity, arrival_id=first, at=arrival.received_at)
        is_new = await self._arrivals.claim(tx, tenant, named) == named
        if first == arrival.id:
            await self._arrivals.send(
                tx, arrivals.add, arrival, messages.record_payment(arrival, report, self._clock())
            )
        elif is_new:
            await self._arrivals.add_repeat(tx, arrival, first)
        return first
