"""Which triggers and forms name an employee, who may be archived."""

from uuid import uuid4

from contracts.contexts import EmployeeRef
from integration.trigger_service.harness import FORM, PAID, Harness
from support.shop import SELLER


async def test_the_triggers_and_forms_that_name_an_employee_are_listed(harness: Harness) -> None:
    sam = EmployeeRef(id=SELLER.id, code="sam", name=SELLER.name)
    harness.entity.schema = harness.entity.schema.model_copy(update={"employees": (sam,)})
    tenant = harness.tenant()
    await tenant.put("triggers/paid", {**PAID, "change_stage_as": "sam"})
    await tenant.put("triggers/archived", {**PAID, "archived": True})
    await tenant.put("triggers/other", PAID)
    await tenant.put("forms/order", {**FORM, "responsible": "sam"})
    await tenant.put("forms/other", FORM)

    path = f"/v1/employees/{SELLER.id}/triggers"
    first = (await tenant.call("GET", f"{path}?limit=1", role="viewer")).json()
    rest = (await tenant.call("GET", f"{path}?cursor={first['next_cursor']}", role="viewer")).json()

    order = {"code": "order", "kind": "form", "name": "Order", "where": "responsible"}
    paid = {"code": "paid", "kind": "trigger", "name": "Paid", "where": "change_stage_as"}
    assert (first["items"], rest["items"], rest["next_cursor"]) == ([order], [paid], None)
    assert (await tenant.call("GET", f"/v1/employees/{uuid4()}/triggers", role="viewer")).json()["items"] == []
    assert (await harness.tenant().call("GET", path, role="viewer")).json()["items"] == []
