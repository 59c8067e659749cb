"""What employees plan to do about items, rooms and resources that are booked for it, and their calendars."""

import asyncio
from typing import Any
from uuid import UUID

from contracts.contexts import MAX_PLANNED_SHOWN
from contracts.messages.entity_commands import BookResource, CompleteActivities, PlanActivity
from contracts.messages.results import CommandDone
from integration.entity_service.harness import Harness, Tenant, contexts

AT_TWO = "2030-05-07T12:00:00Z"
DAY = "from=2030-05-07T00:00:00Z&to=2030-05-08T00:00:00Z"


async def employee(shop: Tenant, code: str = "manager") -> str:
    return str((await shop.put(f"/v1/employees/{code}", {"first_name": code}))["id"])


async def deal(shop: Tenant) -> dict[str, Any]:
    return await shop.deal(responsible_id=await employee(shop))


async def plan(shop: Tenant, item: dict[str, Any], **values: Any) -> dict[str, Any]:
    made: dict[str, Any] = await shop.post(f"/v1/items/{item['id']}/planned-activities", {"name": "Visit"} | values)
    return made


def command(item: dict[str, Any], **values: Any) -> PlanActivity:
    given = {"item_id": item["id"], "actor": "rule:visit", "stage": "new", "name": "Visit"}
    return PlanActivity.model_validate(given | values)


async def test_everything_that_is_said_of_a_planned_activity_is_kept(shop: Tenant) -> None:
    item, guest = await deal(shop), await employee(shop, "fitter")
    contact = (await shop.post("/v1/contacts", {"first_name": "Alex"}))["id"]
    await shop.put("/v1/rooms/oak", {"name": "Oak room"})
    file = {"file_id": item["id"], "name": "plan.pdf", "sha256": "0" * 64, "media_type": "application/pdf"}
    wanted = {
        "kind": "meeting",
        "name": "Show the samples",
        "description": "All of them",
        "deadline": AT_TWO,
        "minutes": 90,
        "reminders": [15, 1440],
        "responsible_id": guest,
        "colour": "yellow",
        "add_to_calendar": True,
        "guests": [item["responsible_id"]],
        "contact_ids": [contact],
        "address": "Via Esempio 1",
        "room": "oak",
        "link": "https://meet.example/samples",
        "files": [file],
        "complete_on_leave": True,
    }

    made = await plan(shop, item, **wanted)

    assert {name: made[name] for name in wanted} == wanted
    assert (made["status"], made["stage"], made["version"]) == ("open", "new", 1)
    assert await shop.get(f"/v1/planned-activities/{made['id']}") == made
    (booking,) = (await shop.get(f"/v1/rooms/oak/bookings?{DAY}"))["items"]
    assert (booking["start"], booking["end"]) == (AT_TWO, "2030-05-07T13:30:00Z")
    for person in ("manager", "fitter"):
        (event,) = (await shop.get(f"/v1/employees/{person}/calendar?{DAY}"))["events"]
        assert (event["name"], event["colour"], event["room"]) == ("Show the samples", "yellow", "oak")


async def test_it_is_completed_by_the_move_and_its_room_is_free_again(shop: Tenant) -> None:
    item = await deal(shop)
    await shop.put("/v1/rooms/oak", {"name": "Oak room"})
    with_item = await plan(shop, item, deadline=AT_TWO, room="oak", complete_on_leave=True)
    by_hand = await plan(shop, item)

    await shop.move(item, "talks")

    done = await shop.get(f"/v1/planned-activities/{with_item['id']}")
    assert (done["status"], done["version"], done["completed_at"] is not None) == ("done", 2, True)
    assert (await shop.get(f"/v1/planned-activities/{by_hand['id']}"))["status"] == "open"
    assert (await shop.get(f"/v1/rooms/oak/bookings?{DAY}"))["items"] == []


async def test_what_comes_after_the_item_has_left_is_done_at_once(shop: Tenant) -> None:
    item = await deal(shop)
    await shop.move(item, "talks")

    outputs = await shop.done(command(item, complete_on_leave=True))

    assert (await shop.get(f"/v1/planned-activities/{outputs['activity_id']}"))["status"] == "done"


async def test_a_room_that_is_taken_is_a_refusal_with_the_next_free_time(shop: Tenant) -> None:
    item = await deal(shop)
    await shop.put("/v1/rooms/oak", {"name": "Oak room"})
    await plan(shop, item, deadline=AT_TWO, minutes=60, room="oak")
    await plan(shop, item, deadline="2030-05-07T13:30:00Z", minutes=30, room="oak")

    reason = await shop.refused(command(item, deadline="2030-05-07T12:30:00Z", minutes=60, room="oak"))
    answer = await shop.ask(
        "POST", f"/v1/items/{item['id']}/planned-activities", {"name": "x", "deadline": AT_TWO, "room": "oak"}
    )

    assert "'Oak room' is taken at 2030-05-07 14:30: next free at 2030-05-07 16:00 (Europe/Berlin)" in reason
    assert answer.status_code == 409
    assert len((await shop.get(f"/v1/items/{item['id']}/planned-activities"))["items"]) == 2
    short = await shop.done(command(item, deadline="2030-05-07T13:00:00Z", minutes=30, room="oak"))
    assert short["activity_id"]


async def test_of_many_who_book_the_same_time_at_once_one_gets_it(shop: Tenant) -> None:
    item = await deal(shop)
    await shop.put("/v1/resources/van", {"name": "Van"})
    booking = {"kind": "resource", "resource": "van", "start": AT_TWO, "minutes": 60}
    order = shop.order(BookResource(item_id=UUID(item["id"]), actor="r", resource="van", start=AT_TWO, minutes=30))
    others = [await shop.deal(responsible_id=item["responsible_id"]) for _ in range(12)]

    await shop.harness.send(order)
    answers = await asyncio.gather(*(shop.ask("POST", f"/v1/items/{one['id']}/bookings", booking) for one in others))
    by_rule = (await shop.results(order.command_id))[0]

    assert [one.status_code for one in answers].count(201) + isinstance(by_rule, CommandDone) == 1
    assert {one.status_code for one in answers} <= {201, 409}
    assert len((await shop.get(f"/v1/resources/van/bookings?{DAY}"))["items"]) == 1


async def test_the_same_time_can_be_booked_in_two_rooms_and_by_two_tenants(shop: Tenant) -> None:
    other = await shop.harness.tenant().open()
    for tenant in (shop, other):
        item = await deal(tenant)
        for room in ("oak", "ash"):
            await tenant.put(f"/v1/rooms/{room}", {"name": room})
            await plan(tenant, item, deadline=AT_TWO, room=room)


async def test_a_changed_deadline_moves_the_booking_and_a_cancelled_activity_gives_it_back(shop: Tenant) -> None:
    item = await deal(shop)
    await shop.put("/v1/rooms/oak", {"name": "Oak room"})
    made = await plan(shop, item, deadline=AT_TWO, room="oak", add_to_calendar=True)
    path = f"/v1/planned-activities/{made['id']}"

    later = await shop.patch(path, {"deadline": "2030-05-07T12:30:00Z"})
    (booking,) = (await shop.get(f"/v1/rooms/oak/bookings?{DAY}"))["items"]
    assert (later["version"], booking["start"]) == (2, "2030-05-07T12:30:00Z")

    again = await shop.patch(path, {"deadline": "2030-05-07T12:30:00Z"})
    assert again == later
    await shop.patch(path, {"status": "cancelled"})
    assert (await shop.get(f"/v1/rooms/oak/bookings?{DAY}"))["items"] == []
    assert (await shop.get(f"/v1/employees/manager/calendar?{DAY}"))["events"] == []


async def test_what_is_open_is_completed_by_kind_and_by_who_planned_it(shop: Tenant) -> None:
    item = await deal(shop)
    other = Tenant(shop.harness, shop.id, subject=item["responsible_id"])
    call, meeting = await plan(shop, item, kind="call"), await plan(other, item, kind="meeting")
    ask = CompleteActivities(item_id=UUID(item["id"]), actor="rule:done", kinds=("call",))

    assert await shop.done(ask.model_copy(update={"author_id": UUID(other.subject)})) == {"completed": 0}
    assert await shop.done(ask) == {"completed": 1}
    assert await shop.done(ask.model_copy(update={"kinds": (), "author_id": UUID(other.subject)})) == {"completed": 1}

    states = [(await shop.get(f"/v1/planned-activities/{one['id']}"))["status"] for one in (call, meeting)]
    assert states == ["done", "done"]


async def test_what_needs_a_deadline_or_names_nobody_is_refused_by_name(shop: Tenant) -> None:
    item = await deal(shop)
    path = f"/v1/items/{item['id']}/planned-activities"
    nobody = item["id"]
    for values, what in (
        ({"reminders": [5]}, "reminders"),
        ({"room": "oak"}, "room"),
        ({"add_to_calendar": True}, "add_to_calendar"),
        ({"deadline": AT_TWO, "room": "moon"}, "'moon' does not exist"),
        ({"guests": [nobody]}, "are no employees' ids"),
        ({"contact_ids": [nobody]}, "are no contacts' ids"),
        ({"link": "file:///etc/passwd"}, "a web address"),
    ):
        answer = await shop.ask("POST", path, {"name": "Visit"} | values)
        assert answer.status_code == 422, answer.text
        assert what in answer.text


async def test_a_booking_is_given_back_but_the_room_of_an_activity_is_not(shop: Tenant) -> None:
    item = await deal(shop)
    await shop.put("/v1/rooms/oak", {"name": "Oak room"})
    await plan(shop, item, deadline=AT_TWO, room="oak")
    made = await shop.post(
        f"/v1/items/{item['id']}/bookings",
        {"kind": "room", "resource": "oak", "start": "2030-05-07T15:00:00Z", "minutes": 5},
    )
    (of_activity,) = (one for one in (await shop.get("/v1/rooms/oak/bookings?" + DAY))["items"] if one["activity_id"])

    kept = await shop.ask("DELETE", f"/v1/bookings/{of_activity['id']}")
    gone = await shop.ask("DELETE", f"/v1/bookings/{made['id']}")

    assert (kept.status_code, gone.status_code) == (409, 204)
    assert [one["id"] for one in (await shop.get(f"/v1/rooms/oak/bookings?{DAY}"))["items"]] == [of_activity["id"]]


async def test_a_context_has_what_is_still_to_be_done_the_next_thing_first(harness: Harness, shop: Tenant) -> None:
    item, other = await deal(shop), await deal(shop)
    for name, more in {
        "Some day": {},
        "Later": {"deadline": "2031-05-08T14:00:00Z"},
        "Next": {"kind": "call", "deadline": "2031-05-07T14:00:00Z"},
        "Done": {"deadline": "2031-05-06T14:00:00Z"},
    }.items():
        made = await plan(shop, item, name=name, **more)
    await shop.patch(f"/v1/planned-activities/{made['id']}", {"status": "done"})
    await plan(shop, other, name="Of another item")

    found, of_other = (await contexts(harness, (shop, item), (shop, other))).contexts()

    assert [one.name for one in found.planned_activities] == ["Next", "Later", "Some day"]
    assert found.planned_activities[0].kind == "call"
    assert [one.name for one in of_other.planned_activities] == ["Of another item"]
    (without,) = (await contexts(harness, (shop, item), parts=["products"])).contexts()
    assert without.planned_activities == ()


async def test_a_context_has_a_hundred_planned_activities_at_most(harness: Harness, shop: Tenant) -> None:
    items = [await deal(shop), await deal(shop)]
    for number in range(MAX_PLANNED_SHOWN + 1):
        await plan(shop, items[0], name=f"Step {number}", deadline=f"2031-05-07T14:{number % 60:02}:{number // 60:02}Z")
    await plan(shop, items[1])

    answer = await contexts(harness, *((shop, one) for one in items))

    found = [context.planned_activities for context in answer.contexts()]
    assert [len(planned) for planned in found] == [MAX_PLANNED_SHOWN, 1]
    assert [one.name for one in found[0][:3]] == ["Step 0", "Step 60", "Step 1"]
