"""Calendars as RFC 5545 has them: read by its rules, and by a parser that is not the one that wrote them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from integration.entity_service.harness import Tenant

LONG = "Bring all the samples; oak, ash\\elm \u2013 und die Öle: " * 5


def soon(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).replace(hour=12, minute=0, second=0, microsecond=0).isoformat()


async def planned(shop: Tenant, **values: Any) -> dict[str, Any]:
    person = await shop.put("/v1/employees/manager", {"first_name": "Kim", "last_name": "Example"})
    item = await shop.deal(responsible_id=person["id"])
    wanted = {"name": "Visit", "deadline": soon(2), "add_to_calendar": True} | values
    made: dict[str, Any] = await shop.post(f"/v1/items/{item['id']}/planned-activities", wanted)
    return made


async def address(shop: Tenant) -> str:
    return str((await shop.post("/v1/employees/manager/calendar/feed", {}))["path"])


async def read(shop: Tenant, path: str) -> httpx.Response:
    """As a calendar program, which has nothing but the address."""
    return await shop.harness.http.get(path)


def events(text: str) -> list[dict[str, str]]:
    """The events by the grammar of RFC 5545, section 3.1: unfolded, unescaped, by the names of their properties."""
    lines = text.replace("\r\n ", "").split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    found: list[dict[str, str]] = []
    for line in lines:
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found:
            unescaped = re.sub(r"\\([\\;,nN])", lambda match: "\n" if match[1] in "nN" else match[1], value)
            found[-1].setdefault(name.partition(";")[0], unescaped)
    return found


async def test_a_calendar_program_reads_what_is_planned(shop: Tenant) -> None:
    made = await planned(shop, name="Show the samples; all", description=f"{LONG}\nsecond line", colour="yellow")

    answer = await read(shop, await address(shop))

    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    assert b"\n" not in answer.content.replace(b"\r\n", b"")
    (event,) = events(answer.text)
    start = datetime.fromisoformat(made["deadline"])
    wanted = {
        "UID": f"{made['id']}@stagewright",
        "SUMMARY": "Show the samples; all",
        "DESCRIPTION": f"{LONG}\nsecond line",
        "DTSTART": f"{start:%Y%m%dT%H%M%SZ}",
        "DTEND": f"{start + timedelta(hours=1):%Y%m%dT%H%M%SZ}",
        "COLOR": "yellow",
        "STATUS": "CONFIRMED",
        "SEQUENCE": "0",
    }
    assert {name: event[name] for name in wanted} == wanted
    assert re.fullmatch(r"\d{8}T\d{6}Z", event["DTSTAMP"])


async def test_a_changed_event_keeps_its_uid_and_a_cancelled_one_says_so(shop: Tenant) -> None:
    made, path = await planned(shop), await address(shop)
    (before,) = events((await read(shop, path)).text)

    await shop.patch(f"/v1/planned-activities/{made['id']}", {"deadline": soon(3)})
    (moved,) = events((await read(shop, path)).text)
    await shop.patch(f"/v1/planned-activities/{made['id']}", {"status": "cancelled"})
    (cancelled,) = events((await read(shop, path)).text)

    assert {one["UID"] for one in (before, moved, cancelled)} == {f"{made['id']}@stagewright"}
    assert [one["SEQUENCE"] for one in (before, moved, cancelled)] == ["0", "1", "2"]
    assert (moved["DTSTART"] > before["DTSTART"], moved["STATUS"], cancelled["STATUS"]) == (
        True,
        "CONFIRMED",
        "CANCELLED",
    )


async def test_a_revoked_or_replaced_address_opens_nothing(shop: Tenant) -> None:
    await planned(shop)
    first = await address(shop)
    second = await address(shop)
    assert [(await read(shop, path)).status_code for path in (first, second)] == [404, 200]

    assert (await shop.ask("DELETE", "/v1/employees/manager/calendar/feed")).status_code == 204

    assert [(await read(shop, path)).status_code for path in (second, "/calendars/guessed")] == [404, 404]


async def test_the_address_is_made_by_the_employee_or_an_admin_alone(shop: Tenant) -> None:
    await planned(shop)
    refused = await shop.ask("POST", "/v1/employees/manager/calendar/feed", {}, roles=("agent",))
    employee = await shop.get("/v1/employees/manager")
    own = Tenant(shop.harness, shop.id, subject=employee["id"])
    allowed = await own.ask("POST", "/v1/employees/manager/calendar/feed", {}, roles=("agent",))
    assert (refused.status_code, allowed.status_code) == (403, 201)


async def test_an_archived_employee_has_no_feed(shop: Tenant) -> None:
    await planned(shop)
    path = await address(shop)
    await shop.put("/v1/employees/manager", {"first_name": "Kim", "archived": True})
    assert (await read(shop, path)).status_code == 404
