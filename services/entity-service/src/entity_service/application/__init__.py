"""Changes of items and of what belongs to them, for the API and for commands alike.

Each change happens in the caller's transaction: lock the item, decide, write, one version on, timeline, outbox.
"""

from dataclasses import dataclass

from contracts.kit.clock import Clock, NewId
from contracts.kit.outbox import Outbox
from entity_service.application.accounts import Accounts
from entity_service.application.activities import Activities
from entity_service.application.bookings import Bookings
from entity_service.application.clients import Clients
from entity_service.application.contacts import Contacts
from entity_service.application.conversions import Conversions
from entity_service.application.copies import Copies
from entity_service.application.exceptions import Exceptions
from entity_service.application.handovers import Handovers
from entity_service.application.items import Items
from entity_service.application.links import Links
from entity_service.application.lists import Lists
from entity_service.application.payment_links import PaymentLinks
from entity_service.application.payments import Payments
from entity_service.application.people import People
from entity_service.application.planned_activities import PlannedActivities
from entity_service.application.products import Products
from entity_service.application.provider_requests import ProviderRequests
from entity_service.application.reminders import Reminders
from entity_service.application.requisites import RequisiteChanges
from entity_service.application.shipments import Shipments
from entity_service.application.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Changes:
    """All of them."""

    items: Items
    handovers: Handovers
    copies: Copies
    conversions: Conversions
    contacts: Contacts
    clients: Clients
    products: Products
    activities: Activities
    planned: PlannedActivities
    bookings: Bookings
    reminders: Reminders
    tasks: Tasks
    payments: Payments
    payment_links: PaymentLinks
    shipments: Shipments
    provider_requests: ProviderRequests
    people: People
    links: Links
    requisites: RequisiteChanges
    exceptions: Exceptions
    lists: Lists


def make_changes(outbox: Outbox, clock: Clock, new_id: NewId, public_url: str) -> Changes:
    """`public_url` is where providers reach this service."""
    reminders = Reminders(outbox, clock, new_id)
    items = Items(outbox, clock, new_id, reminders)
    handovers, bookings, accounts = Handovers(items), Bookings(items), Accounts(clock)
    payment_links, shipments = PaymentLinks(items, accounts, public_url), Shipments(items, accounts, public_url)
    links, contacts, payments = Links(items, handovers), Contacts(outbox, clock, new_id), Payments(items)
    planned = PlannedActivities(items, handovers, bookings, reminders)
    return Changes(
        items=items,
        handovers=handovers,
        copies=Copies(items, handovers),
        conversions=Conversions(items, handovers, contacts, payments, planned),
        contacts=contacts,
        clients=Clients(items, contacts),
        products=Products(items, links),
        activities=Activities(items),
        planned=planned,
        bookings=bookings,
        reminders=reminders,
        tasks=Tasks(items, handovers),
        payments=payments,
        payment_links=payment_links,
        shipments=shipments,
        provider_requests=ProviderRequests(payment_links, shipments),
        people=People(items, handovers),
        links=links,
        requisites=RequisiteChanges(items),
        exceptions=Exceptions(items, clock),
        lists=Lists(clock, new_id),
    )
