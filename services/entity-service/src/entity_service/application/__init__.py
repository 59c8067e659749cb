"""What can be done to items and what belongs to them, for people (`api`) and for commands (`handlers`) alike.

Each change happens in the caller's transaction: lock the item, decide, write, one version on, timeline, outbox.
"""

from dataclasses import dataclass

from contracts.kit.clock import Clock, NewId
from contracts.kit.outbox import Outbox
from entity_service.application.activities import Activities
from entity_service.application.clients import Clients
from entity_service.application.copies import Copies
from entity_service.application.handovers import Handovers
from entity_service.application.items import Items
from entity_service.application.payments import Payments
from entity_service.application.products import Products
from entity_service.application.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Changes:
    """All of them."""

    items: Items
    handovers: Handovers
    copies: Copies
    clients: Clients
    products: Products
    activities: Activities
    tasks: Tasks
    payments: Payments


def make_changes(outbox: Outbox, clock: Clock, new_id: NewId) -> Changes:
    items = Items(outbox, clock, new_id)
    handovers = Handovers(items)
    return Changes(
        items=items,
        handovers=handovers,
        copies=Copies(items, handovers),
        clients=Clients(outbox, clock, new_id),
        products=Products(items),
        activities=Activities(items),
        tasks=Tasks(items, handovers),
        payments=Payments(items, handovers),
    )
