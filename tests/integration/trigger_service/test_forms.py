"""Forms: a submission becomes an item, once; and what visitors must not be able to do."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.kit.clock import new_id
from contracts.messages.entity_commands import AddTimelineEntry, CreateItem, MoveItem
from contracts.messages.results import CommandDone, CommandRefused
from contracts.messages.trigger_events import ArrivalJudged
from integration.trigger_service.harness import FORM, Harness, Tenant

FILLED = {"name": "Client One", "phone": "+49 30 1234567", "product": "oak table"}


async def form(tenant: Tenant, **changes: Any) -> str:
    path: str = (await tenant.put("forms/order", {**FORM, **changes}))["path"]
    return path


async def test_a_form_sent_twice_creates_one_item(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    filled = {**FILLED, "_nonce": tenant.nonce(path)}
    first, second = await tenant.submit(path, filled), await tenant.submit(path, filled)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    other = await tenant.submit(path, FILLED)
    commands = await tenant.said(CreateItem, 2)
    assert len(commands) == 2
    assert [command.correlation for command in commands].count(first.json()["arrival_id"]) == 1
    assert {command.correlation for command in commands} == {r.json()["arrival_id"] for r in (first, other)}
    assert sorted(arrival["verdict"] for arrival in await tenant.arrivals()) == ["duplicate", "pending", "pending"]


async def test_answers_corrected_under_the_same_nonce_are_another_submission(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    filled = {**FILLED, "_nonce": tenant.nonce(path)}
    corrected = {**filled, "phone": "+49 30 7654321"}
    answers = [await tenant.submit(path, body) for body in (filled, corrected, corrected)]
    ids = [answer.json()["arrival_id"] for answer in answers]
    assert ids[0] != ids[1] == ids[2]
    people = [command.data.person for command in await tenant.said(CreateItem, 2)]
    assert [person.phone for person in people if person] == ["+49301234567", "+49307654321"]


async def test_a_submission_whose_item_was_refused_may_be_sent_again(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    filled = {**FILLED, "_nonce": tenant.nonce(path)}
    first = (await tenant.submit(path, filled)).json()["arrival_id"]
    command = (await tenant.said(CreateItem))[0]
    await harness.answer(command, CommandRefused(command_id=command.command_id, reason="over the quota"))
    await tenant.verdict(first, "refused")
    again = (await tenant.submit(path, filled)).json()["arrival_id"]
    assert [command.correlation for command in await tenant.said(CreateItem, 2)] == [first, again]


async def test_the_command_says_who_the_client_is_and_what_was_asked_for(harness: Harness) -> None:
    tenant = harness.tenant()
    await tenant.submit(await form(tenant), FILLED)
    command = (await tenant.said(CreateItem))[0]
    assert command.issuer == "trigger-service"
    assert (command.data.title, command.data.pipeline, command.data.origin) == ("Order: oak table", "sales", "intake")
    assert command.data.person is not None
    assert command.data.person.phone == "+49301234567"


async def test_the_verdict_follows_the_result_of_the_command(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    created, refused = await tenant.submit(path, FILLED), await tenant.submit(path, {**FILLED, "name": "Other"})
    commands = {command.correlation: command for command in await tenant.said(CreateItem, 2)}
    item = new_id()
    first, second = (commands[response.json()["arrival_id"]] for response in (created, refused))
    done = CommandDone(command_id=first.command_id, outputs={"item_id": str(item), "duplicate": False})
    await harness.answer(first, done)
    await harness.answer(first, done)
    await harness.answer(second, CommandRefused(command_id=second.command_id, reason="the pipeline is archived"))
    arrival = await tenant.verdict(created.json()["arrival_id"], "created")
    assert (arrival["item_id"], arrival["judged_at"] is not None) == (str(item), True)
    refusal = await tenant.verdict(refused.json()["arrival_id"], "refused")
    assert refusal["reason"] == "the pipeline is archived"
    judged = await tenant.said(ArrivalJudged, 2)
    assert sorted(event.data.verdict for event in judged) == ["created", "refused"]


async def test_a_client_with_an_open_item_fires_the_trigger_instead_of_creating_another(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    trigger = {"name": "Asked again", "type": "form_submitted", "pipeline": "sales", "stage": "prepayment"}
    await tenant.put("triggers/asked-again", {**trigger, "settings": {"form": "order"}})
    deal = harness.entity.add_deal(tenant.id, phone="+49301234567")
    known, unknown = await tenant.submit(path, FILLED), await tenant.submit(path, {"name": "Nobody"})
    move = (await tenant.said(MoveItem))[0]
    assert (move.data.item_id, move.data.candidates[0].reference) == (deal, "asked-again")
    comment = (await tenant.said(AddTimelineEntry))[0]
    assert comment.data.text == "Form “Order”\nName: Client One\nPhone: +49301234567\nProduct: oak table"
    create = (await tenant.said(CreateItem))[0]
    assert create.correlation == unknown.json()["arrival_id"]
    await harness.answer(
        move,
        CommandDone(
            command_id=move.command_id,
            outputs={"verdict": "moved", "stage": "prepayment", "reference": "asked-again"},
        ),
    )
    arrival = await tenant.verdict(known.json()["arrival_id"], "moved")
    assert (arrival["trigger"], arrival["item_id"]) == ("asked-again", str(deal))
    kept = await harness.service_environment.sql("SELECT arrival_id FROM submissions WHERE tenant_id = $1", tenant.id)
    assert [row["arrival_id"] for row in kept] == [_id(unknown)]  # until its item is made


async def test_a_submission_waits_for_entity_service_when_a_trigger_needs_it(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    trigger = {"name": "Asked again", "type": "form_submitted", "pipeline": "sales", "stage": "prepayment"}
    await tenant.put("triggers/asked-again", trigger)
    harness.entity.away = True
    try:
        response = await tenant.submit(path, FILLED)
        assert response.status_code == 202
    finally:
        harness.entity.away = False
    create = (await tenant.said(CreateItem))[0]
    assert create.correlation == response.json()["arrival_id"]


async def test_too_many_submissions_from_one_address_are_refused_and_others_are_not(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    filled = {**FILLED, "_nonce": tenant.nonce(path)}
    statuses = [(await tenant.submit(path, filled)).status_code for _ in range(41)]
    assert 429 in statuses
    refused = await _first_refusal(tenant, path, filled)
    assert int(refused.headers["retry-after"]) <= 60
    other = await tenant.submit(path, filled, address="192.0.2.99")
    assert other.status_code == 202


async def _first_refusal(tenant: Tenant, path: str, filled: dict[str, Any]) -> httpx.Response:
    while (response := await tenant.submit(path, filled)).status_code != 429:
        pass
    return response


async def test_a_machine_that_fills_in_the_hidden_field_creates_nothing_and_does_not_notice(
    harness: Harness,
) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    trapped = await tenant.submit(path, {**FILLED, "website": "https://spam.example"})
    assert trapped.status_code == 202
    assert (await tenant.verdict(trapped.json()["arrival_id"], "refused"))["item_id"] is None
    await tenant.submit(path, FILLED)
    assert len(await tenant.said(CreateItem)) == 1


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"name": "Client", "colour": "red"}, "colour"),
        ({"phone": "+49301234567"}, "name"),
        ({"name": "Client", "phone": "call me"}, "phone"),
        ({"name": "Cli\x00ent"}, "body"),
    ],
)
async def test_a_bad_submission_is_explained_and_creates_nothing(
    harness: Harness, body: dict[str, Any], where: str
) -> None:
    tenant = harness.tenant()
    response = await tenant.submit(await form(tenant), body)
    assert response.status_code == 422
    assert [error["where"] for error in response.json()["errors"]] == [where]
    assert await tenant.arrivals() == []


async def test_a_body_of_more_than_64_kilobytes_is_refused_declared_or_not(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    assert (await tenant.submit(path, {"name": "x" * 70_000})).status_code == 413

    async def stream() -> Any:
        for _ in range(70):
            yield b"x" * 1000

    headers = {"content-type": "application/json"}
    streamed = await tenant.call("POST", path, role=None, content=stream(), headers=headers)
    assert streamed.status_code == 413


async def test_only_allowed_sites_may_post_from_a_browser_and_may_read_the_answer(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    shop, other = {"origin": "https://shop.example"}, {"origin": "https://other.example"}
    taken = await tenant.submit(path, {"name": "Client"}, headers=shop)
    assert (taken.status_code, taken.headers["access-control-allow-origin"]) == (202, shop["origin"])
    opened = await tenant.call("GET", path, role=None, headers=shop)
    assert opened.headers["access-control-allow-origin"] == shop["origin"]
    assert "retry-after" in opened.headers["access-control-expose-headers"]
    explained = await tenant.submit(path, {}, headers=shop)
    assert (explained.status_code, explained.headers["access-control-allow-origin"]) == (422, shop["origin"])
    assert (await tenant.submit(path, {"name": "Client"}, headers=other)).status_code == 403
    assert (await tenant.call("OPTIONS", path, role=None, headers=shop)).status_code == 204
    assert (await tenant.call("OPTIONS", path, role=None, headers=other)).status_code == 403


async def test_a_browser_can_fill_in_the_form_without_scripts(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant, name="Order <b>now</b>")
    browser = {"accept": "text/html", "origin": "http://triggers.example"}
    page = await tenant.call("GET", path, role=None, headers=browser)
    assert "Order &lt;b&gt;now&lt;/b&gt;" in page.text
    assert 'name="_nonce"' in page.text
    empty = {"name": "", "product": "oak <table>", "website": "", "_nonce": tenant.nonce(path)}
    wrong = await tenant.call("POST", path, role=None, data=empty, headers=browser)
    assert (wrong.status_code, "Name: this field must be filled in" in wrong.text) == (422, True)
    assert 'value="oak &lt;table&gt;"' in wrong.text
    assert f'value="{empty["_nonce"]}"' in wrong.text
    sent = await tenant.call("POST", path, role=None, data=empty | {"name": "Client"}, headers=browser)
    assert (sent.status_code, "Thank you" in sent.text) == (202, True)


async def test_an_archived_or_unknown_form_is_not_found(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    response = await tenant.call("PUT", "/v1/forms/order", json={**FORM, "archived": True})
    assert (response.status_code, response.json()["path"]) == (200, path)
    assert (await tenant.submit(path, FILLED)).status_code == 404
    assert (await tenant.submit("/f/guessed", FILLED)).status_code == 404


def _id(response: httpx.Response) -> UUID:
    return UUID(response.json()["arrival_id"])


async def test_a_field_that_a_browser_sends_twice_is_refused_and_named(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = f"_nonce={tenant.nonce(path)}&name=Client+One&phone=%2B4930123456&product=oak&product=ash"
    answer = await tenant.call("POST", path, role=None, content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0] == {
        "where": "product",
        "what": "is there more than once: a field takes one answer",
    }
    assert await tenant.arrivals() == []


@pytest.mark.parametrize("origin", ["http://[", "null", "http://", "\\", "http://a]b"])
async def test_an_origin_that_is_none_is_forbidden(harness: Harness, origin: str) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    answer = await tenant.call("POST", path, role=None, json=FILLED, headers={"origin": origin})
    assert answer.status_code == 403


async def test_a_refused_submission_is_kept_and_can_be_sent_again(harness: Harness) -> None:
    tenant = harness.tenant()
    arrival = (await tenant.submit(await form(tenant), FILLED)).json()["arrival_id"]
    first = (await tenant.said(CreateItem))[0]
    pending = await tenant.call("POST", f"/v1/arrivals/{arrival}/retry", role="operator")
    assert pending.status_code == 409
    await harness.answer(
        first, CommandRefused(command_id=first.command_id, reason="fields.wood: there is no such field")
    )
    refused = await tenant.verdict(arrival, "refused")
    assert refused["reason"] == "fields.wood: there is no such field"

    kept = await tenant.call("GET", f"/v1/arrivals/{arrival}/submission", role="operator")
    assert kept.json() == {"code": "order", "content": {**FILLED, "phone": "+49301234567"}}
    hidden = await tenant.call("GET", f"/v1/arrivals/{arrival}/submission", role="author")
    assert hidden.status_code == 403

    again = await tenant.call("POST", f"/v1/arrivals/{arrival}/retry", role="operator")
    assert (again.status_code, again.json()["verdict"]) == (202, "pending")
    second = (await tenant.said(CreateItem, 2))[1]
    assert second.data == first.data
    assert second.command_id != first.command_id
    item = new_id()
    outputs = {"item_id": str(item), "duplicate": False}
    await harness.answer(second, CommandDone(command_id=second.command_id, outputs=outputs))
    assert (await tenant.verdict(arrival, "created"))["item_id"] == str(item)
    gone = await tenant.call("GET", f"/v1/arrivals/{arrival}/submission", role="operator")
    assert gone.status_code == 404
    done = await tenant.call("POST", f"/v1/arrivals/{arrival}/retry", role="operator")
    assert done.status_code == 409


async def test_a_form_s_field_fits_the_item_s_field_that_it_feeds(harness: Harness) -> None:
    tenant = harness.tenant()
    fields = [{"name": "n", "label": "N", "type": "number", "target": "item.fields.note"}]
    path = await form(tenant, fields=fields, title="")
    await tenant.submit(path, {"n": "4"})
    assert (await tenant.said(CreateItem))[0].data.fields == {"note": "4"}
    refused = await tenant.submit(path, {"n": "9007199254740993"})
    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "n")
