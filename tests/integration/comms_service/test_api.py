"""Channels, opt-outs and notifications through the API: who may do what, and what is refused."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.messages.comms import Notify
from contracts.messages.results import CommandDone, CommandRefused
from integration.comms_service.harness import Shop

OFFICE = {"kind": "email", "name": "Office", "sender_address": "office@shop.example", "default": True}


async def test_a_channel_is_what_was_put(shop: Shop) -> None:
    async with shop.client("author") as author:
        put = (await author.put("/v1/channels/sales", json=OFFICE | {"sender_address": "Anna@SHOP.example"})).json()
        assert put == {
            "code": "sales",
            "kind": "email",
            "name": "Office",
            "sender_address": "Anna@shop.example",
            "sender_name": "",
            "default": True,
            "archived": False,
        }
        assert (await author.get("/v1/channels/sales")).json() == put
        listed = (await author.get("/v1/channels")).json()["items"]
        assert [(c["code"], c["default"]) for c in listed] == [("office", False), ("sales", True), ("texts", True)]


@pytest.mark.parametrize(
    ("code", "changes", "status"),
    [
        ("Office", {}, 422),
        ("new", {"sender_address": None}, 422),
        ("new", {"sender_address": "nobody"}, 422),
        ("new", {"sender_name": "Shop\x1bBcc: x@example.org"}, 422),
        ("new", {"name": "\x00"}, 422),
        ("new", {"name": ""}, 422),
        ("new", {"archived": True}, 422),
        ("new", {"colour": "red"}, 422),
        ("new", {"kind": "sms"}, 422),
        ("texts", {}, 409),
    ],
)
async def test_a_channel_that_cannot_work_is_refused(
    shop: Shop, code: str, changes: dict[str, Any], status: int
) -> None:
    async with shop.client("author") as author:
        refused = await author.put(f"/v1/channels/{code}", json=OFFICE | changes)
        assert refused.status_code == status
        assert refused.headers["content-type"] == "application/problem+json"
        office = (await author.get("/v1/channels/office")).json()
        assert office["default"]


async def test_opt_outs_are_kept_by_the_one_form_of_an_address(shop: Shop) -> None:
    async with shop.client("agent", sub="anna") as agent:
        assert (await agent.get("/v1/opt-outs/+4930901820")).status_code == 404
        put = await agent.put("/v1/opt-outs/+49 (30) 901820", json={"note": "by phone"})
        assert put.is_success
        kept = (await agent.get("/v1/opt-outs/+4930901820")).json()
        assert kept == put.json()
        assert (kept["address"], kept["opted_out"], kept["updated_by"]) == ("+4930901820", True, "anna")
        assert (await agent.put("/v1/opt-outs/nobody", json={})).status_code == 422
    async with shop.harness.service_environment.caller(uuid4(), "agent") as other_tenant:
        assert (await other_tenant.get("/v1/opt-outs/+4930901820")).status_code == 404


async def notify(shop: Shop, *recipients: UUID, text: str = "Look at this deal") -> UUID:
    return await shop.command(Notify(item_id=shop.item, recipients=recipients, title="No call yet", text=text))


async def test_a_notification_is_in_the_inbox_of_each_recipient_alone(shop: Shop) -> None:
    first, second, other = uuid4(), uuid4(), uuid4()
    done = await shop.harness.final(await notify(shop, first, second, first))
    assert isinstance(done, CommandDone)
    ids = done.outputs["notification_ids"]
    assert isinstance(ids, dict)
    assert set(ids) == {str(first), str(second)}
    async with shop.client("viewer", sub=str(first)) as employee:
        (entry,) = (await employee.get("/v1/notifications")).json()["items"]
        assert (entry["id"], entry["text"], entry["read_at"]) == (ids[str(first)], "Look at this deal", None)
        assert (await employee.post(f"/v1/notifications/{ids[str(second)]}/read")).status_code == 404
    async with shop.client("viewer", sub=str(other)) as employee:
        assert (await employee.get("/v1/notifications")).json()["items"] == []
    async with shop.harness.service_environment.caller(uuid4(), "viewer", sub=str(first)) as other_tenant:
        assert (await other_tenant.get("/v1/notifications")).json()["items"] == []


async def test_what_was_read_leaves_the_unread(shop: Shop) -> None:
    employee_id = uuid4()
    for text in ("one", "two", "three"):
        await shop.harness.final(await notify(shop, employee_id, text=text))
    async with shop.client("viewer", sub=str(employee_id)) as employee:
        page = (await employee.get("/v1/notifications", params={"limit": 2})).json()
        assert [entry["text"] for entry in page["items"]] == ["three", "two"]
        rest = (await employee.get("/v1/notifications", params={"cursor": page["next_cursor"]})).json()
        assert [entry["text"] for entry in rest["items"]] == ["one"]
        path = f"/v1/notifications/{page['items'][0]['id']}/read"
        read = (await employee.post(path)).json()
        assert (await employee.post(path)).json() == read
        unread = (await employee.get("/v1/notifications", params={"unread": True})).json()["items"]
        assert [entry["text"] for entry in unread] == ["two", "one"]


async def test_a_notification_to_nobody_is_refused(shop: Shop) -> None:
    refused = await shop.harness.final(await notify(shop))
    assert isinstance(refused, CommandRefused)
    assert "no recipients" in refused.reason


async def test_only_employees_have_an_inbox(shop: Shop) -> None:
    async with shop.client("viewer", sub="a-name") as caller:
        assert (await caller.get("/v1/notifications")).status_code == 403
