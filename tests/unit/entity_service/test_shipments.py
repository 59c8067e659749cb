"""Which news about a shipment count, and what can still be asked of its carrier."""

from datetime import UTC, datetime
from itertools import permutations
from uuid import UUID

import pytest

from contracts.messages.entity_events import ShipmentStatus
from contracts.reports import ShipmentReport
from entity_service.domain.errors import ConflictError
from entity_service.domain.shipments import Shipment, after_report, check_change

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = UUID(int=1)


def shipment(status: ShipmentStatus, tracking: str | None = None) -> Shipment:
    return Shipment(
        tenant_id=ID,
        id=ID,
        item_id=ID,
        carrier="courier",
        address="Via Esempio 1",
        status=status,
        tracking=tracking,
        created_by="rule:it",
        created_at=NOW,
        updated_at=NOW,
    )


def report(**said: str) -> ShipmentReport:
    return ShipmentReport.model_validate({"shipment_id": ID, **said})


def test_reports_end_the_same_in_whatever_order_and_however_often_they_come() -> None:
    said = [report(tracking="T-1"), report(status="shipped"), report(status="delivered")]
    for order in permutations(said * 2, 6):
        found = shipment("allowed")
        for one in order:
            found = after_report(found, one, NOW)
        assert (found.status, found.tracking) == ("delivered", "T-1")


@pytest.mark.parametrize("status", ["delivered", "cancelled", "shipped"])
def test_what_is_over_or_on_its_way_is_not_taken_back_by_a_late_report(status: ShipmentStatus) -> None:
    before = shipment(status, "T-1")
    late = report(status="cancelled" if status != "cancelled" else "shipped", tracking="T-1")
    assert after_report(before, late, NOW) == before


@pytest.mark.parametrize(
    ("status", "what", "reason"),
    [
        ("asked", "allowed", "has not answered yet"),
        ("shipped", "cancelled", "is shipped"),
        ("failed", "allowed", "is failed"),
        ("cancelled", "allowed", "is cancelled"),
    ],
)
def test_what_the_carrier_has_not_or_not_any_more_is_not_changed(
    status: ShipmentStatus, what: str, reason: str
) -> None:
    with pytest.raises(ConflictError, match=reason):
        check_change(shipment(status), what)
    check_change(shipment("planned"), what)
    check_change(shipment("cancelled"), "cancelled")


def test_a_report_that_says_nothing_is_none() -> None:
    with pytest.raises(ValueError, match="tracking number"):
        report()
