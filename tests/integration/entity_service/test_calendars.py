"""Working time: what admins and employees put, and what the engine reads."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from contracts.calendars import Calendar
from contracts.contexts import ContextResponse, EmployeeContext, TenantSchema
from integration.entity_service.harness import Harness, Tenant, contexts, ok

CALENDAR = {
    "week": {"mon": [{"opens": "08:00", "closes": "12:00"}, {"opens": "13:00", "closes": "02:00"}]},
    "country": "DE",
    "subdivision": "BY",
    "days": {"2026-12-24": [], "2026-12-19": [{"opens": "10:00", "closes": "14:00"}]},
}
ABSENCE = {"from": "2026-07-20T00:00:00+02:00", "until": "2126-08-03T00:00:00+02:00"}
OVER = {"from": "2016-07-20T00:00:00+02:00", "until": "2016-08-03T00:00:00+02:00"}


async def engine_sees(harness: Harness, shop: Tenant, item: dict[str, Any]) -> tuple[Calendar, EmployeeContext | None]:
    """The calendar and the responsible person, as a context has them."""
    asked = {"items": [{"tenant_id": str(shop.id), "item_id": item["id"]}], "parts": ["responsible"]}
    answer = ContextResponse.model_validate(ok(await harness.internal("POST", "/internal/contexts", json=asked)))
    return next(answer.contexts()).tenant.calendar, next(answer.contexts()).responsible


async def test_a_company_works_from_nine_to_six_until_it_says_otherwise(harness: Harness, shop: Tenant) -> None:
    assert Calendar.model_validate(await shop.get("/v1/calendar")) == Calendar()
    assert await shop.put("/v1/calendar", CALENDAR) == await shop.get("/v1/calendar") == CALENDAR
    schema = TenantSchema.model_validate(ok(await harness.internal("GET", f"/internal/schema/{shop.id}")))
    calendar, _ = await engine_sees(harness, shop, await shop.deal())
    assert calendar == schema.tenant.calendar == Calendar.model_validate(CALENDAR)


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"week": {}}, "week", "give at least one weekday with working hours"),
        ({"week": {"mon": []}}, "week", "give at least one weekday with working hours"),
        ({"country": "XX"}, "country", "no public holidays are known of 'XX'"),
        ({"subdivision": "ZZ"}, "subdivision", "DE has the subdivisions"),
        ({"country": None}, "subdivision", "needs the country"),
        (
            {"days": {"2026-12-24": [{"opens": "10:00", "closes": "09:00"}] * 2}},
            "days.2026-12-24",
            "follow one another",
        ),
        ({"week": {"mon": [{"opens": "24:00", "closes": "09:00"}]}}, "week.mon[0].opens", "expected a time of day"),
    ],
)
async def test_a_calendar_that_cannot_be_counted_with_is_refused(
    shop: Tenant, change: dict[str, Any], where: str, what: str
) -> None:
    answer = await shop.ask("PUT", "/v1/calendar", CALENDAR | change)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["where"].startswith(where)
    assert what in error["what"]


async def test_an_employees_schedule_comes_with_the_items_he_is_responsible_for(harness: Harness, shop: Tenant) -> None:
    sam = await shop.put("/v1/employees/sam", {"first_name": "Sam"})
    deal = await shop.deal(responsible_id=sam["id"])
    _, before = await engine_sees(harness, shop, deal)
    week = {"tue": [{"opens": "09:00", "closes": "12:00"}]}
    body = {"time_zone": "Asia/Tokyo", "week": week, "absences": [OVER, ABSENCE]}
    put = await shop.put("/v1/employees/sam/schedule", body)
    assert put == await shop.get("/v1/employees/sam/schedule")
    _, after = await engine_sees(harness, shop, deal)
    assert before is not None
    assert before.schedule is None
    assert after is not None
    assert after.schedule is not None
    assert (after.schedule.time_zone, after.schedule.at_work, len(after.schedule.absences)) == ("Asia/Tokyo", None, 1)


async def test_a_schema_says_until_when_who_is_away_now_is_absent(harness: Harness, shop: Tenant) -> None:
    await shop.put("/v1/employees/sam", {"first_name": "Sam"})
    away = {"from": "2020-01-01T00:00:00Z", "until": "2090-01-01T00:00:00Z"}
    later = {"from": "2091-01-01T00:00:00Z", "until": "2092-01-01T00:00:00Z"}
    for absences, until in (([OVER, later], None), ([OVER, away, later], datetime(2090, 1, 1, tzinfo=UTC))):
        await shop.put("/v1/employees/sam/schedule", {"absences": absences})
        answer = await harness.internal("GET", f"/internal/schema/{shop.id}")
        schema = TenantSchema.model_validate(ok(answer))
        assert [(one.code, one.absent_until) for one in schema.employees if one.code == "sam"] == [("sam", until)]


async def test_who_answers_for_somebody_absent_is_told_to_other_services(harness: Harness, shop: Tenant) -> None:
    ids = {code: await _employee(shop, code) for code in ("ann", "ben", "cat")}
    away = {"from": "2020-01-01T00:00:00Z", "until": "2090-01-01T00:00:00Z", "reason": "on holiday"}
    await shop.put("/v1/employees/ann/schedule", {"absences": [away | {"substitute": "ben"}]})
    item = await shop.deal()

    (context,) = (await contexts(harness, (shop, item), parts=["reassignments"])).contexts()
    assert context.substitutes == {ids["ann"]: ids["ben"]}
    put = await shop.put("/v1/employees/ben/schedule", {"absences": [OVER, away | {"substitute": "cat"}]})
    assert (put["absences"][1]["reason"], put["absences"][1]["substitute"]) == ("on holiday", "cat")
    (context,) = (await contexts(harness, (shop, item), parts=["reassignments"])).contexts()
    assert context.substitutes == {ids["ann"]: ids["cat"], ids["ben"]: ids["cat"]}
    schema = TenantSchema.model_validate(ok(await harness.internal("GET", f"/internal/schema/{shop.id}")))
    assert {one.code: one.substitute_id for one in schema.employees} == {
        "ann": ids["cat"],
        "ben": ids["cat"],
        "cat": None,
    }
    (without,) = (await contexts(harness, (shop, item), parts=["contacts"])).contexts()
    assert without.substitutes == {}


async def _employee(shop: Tenant, code: str) -> UUID:
    return UUID((await shop.put(f"/v1/employees/{code}", {"first_name": code.title()}))["id"])


async def test_a_substitute_is_an_employee_who_is_there(shop: Tenant) -> None:
    await shop.put("/v1/employees/sam", {"first_name": "Sam"})
    await shop.put("/v1/employees/gone", {"first_name": "Gone", "archived": True})
    for substitute in ("sam", "gone", "nobody"):
        body = {"absences": [ABSENCE | {"substitute": substitute}]}
        answer = await shop.ask("PUT", "/v1/employees/sam/schedule", body)
        assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "absences[0].substitute"), substitute


async def test_only_absences_that_end_after_they_begin_are_taken(shop: Tenant) -> None:
    await shop.put("/v1/employees/sam", {"first_name": "Sam"})
    wrong = {"absences": [{"from": ABSENCE["until"], "until": ABSENCE["from"]}]}
    answer = await shop.ask("PUT", "/v1/employees/sam/schedule", wrong)
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "absences[0].until")
    assert (await shop.ask("PUT", "/v1/employees/nobody/schedule", {})).status_code == 404


async def test_employees_clock_themselves_in_where_that_is_tracked(harness: Harness, shop: Tenant) -> None:
    sam = await shop.put("/v1/employees/sam", {"first_name": "Sam"})
    deal = await shop.deal(responsible_id=sam["id"])
    await shop.put("/v1/employees/sam/schedule", {"tracked": True})
    assert await at_work(harness, shop, deal) is False
    himself = Tenant(harness, UUID(str(shop.id)), subject=sam["id"])
    body = {"at_work": True}
    came = ok(await himself.ask("PUT", "/v1/employees/sam/presence", body, roles=["agent"]))
    again = ok(await himself.ask("PUT", "/v1/employees/sam/presence", body, roles=["agent"]))
    assert came == again == await shop.get("/v1/employees/sam/presence")
    assert await at_work(harness, shop, deal) is True
    other_tenant = await shop.ask("PUT", "/v1/employees/sam/presence", {"at_work": False}, roles=["agent"])
    assert (other_tenant.status_code, other_tenant.json()["detail"]) == (403, "only an admin clocks others in and out")
    await shop.put("/v1/employees/sam/presence", {"at_work": False})
    assert await at_work(harness, shop, deal) is False


async def at_work(harness: Harness, shop: Tenant, deal: dict[str, Any]) -> bool | None:
    _, responsible = await engine_sees(harness, shop, deal)
    assert responsible is not None
    assert responsible.schedule is not None
    return responsible.schedule.at_work


async def test_a_contact_has_a_time_zone_that_is_checked(shop: Tenant) -> None:
    contact = await shop.post("/v1/contacts", {"first_name": "Anna", "time_zone": "Asia/Tokyo"})
    assert (await shop.get(f"/v1/contacts/{contact['id']}"))["time_zone"] == "Asia/Tokyo"
    wrong = await shop.ask("PATCH", f"/v1/contacts/{contact['id']}", {"time_zone": "Europe/Atlantis"})
    assert wrong.status_code == 422


@pytest.mark.parametrize("path", ["/v1/calendar", "/v1/employees/sam/schedule"])
async def test_only_admins_set_working_time(shop: Tenant, path: str) -> None:
    await shop.put("/v1/employees/sam", {"first_name": "Sam"})
    assert (await shop.ask("PUT", path, CALENDAR, roles=["author"])).status_code == 403
