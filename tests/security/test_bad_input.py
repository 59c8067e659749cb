"""Bad input on every route: the answer is a problem that says what and where, and nothing is changed."""

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from security.asking import ask, change_nothing, entitled, problem, unchanged
from security.invalid_bodies import HUGE, MEGABYTE, nested, replaced, spoilt
from security.routes import ROUTES, Route
from security.seeded_tenant import SECRETIVE, SeededTenant
from support.waiting import eventually

UNCHECKED = ("POST /v1/files", "POST /internal/contexts", "POST /internal/items/linked")
"""Bodies that are no JSON, and those of our own services, of which a newer one may say more than an older one knows."""
FREE = [
    ("entity-service", "PATCH /v1/items/{id}", ("fields", "wish")),
    ("entity-service", "PATCH /v1/items/{id}", ("fields", "a_number")),
    ("entity-service", "PATCH /v1/items/{id}", ("fields", "a_money")),
    ("entity-service", "PATCH /v1/items/{id}", ("fields", "a_datetime")),
    ("entity-service", "PATCH /v1/items/{id}", ("fields", "a_file")),
    ("rule-engine", "PUT /v1/rule-sets/{code}", ("stages", "planned", "rules", 0, "params", "text")),
    ("rule-engine", "PUT /v1/rule-sets/{code}", ("stages", "planned", "rules", 0, "condition")),
    ("trigger-service", "PUT /v1/triggers/{code}", ("settings",)),
    ("trigger-service", "PUT /v1/triggers/{code}", ("condition",)),
    ("doc-service", "PUT /v1/templates/{code}", ("sample",)),
]
"""Where a body holds values whose form is not known beforehand."""
LEAF = {"path": "item.title", "op": "eq", "value": 1}


def a_condition(depth: int) -> Any:
    return {"not": a_condition(depth - 1)} if depth else LEAF


FREELY_BAD: dict[str, Any] = {
    "nested too deeply": nested(400),
    "a number that nothing holds": HUGE,
    "infinite": float("inf"),
    "no number": float("nan"),
    "a name that cannot be kept": {"\x00": 1},
    "a text that cannot be kept": {"a": ["\ud800"]},
    "a comparison with what nothing holds": LEAF | {"value": float("inf")},
}


@pytest.mark.parametrize("service", ROUTES)
async def test_a_spoilt_body_is_refused_with_its_place(seeded_tenant: SeededTenant, service: str) -> None:
    async def spoil(call: str, route: Route) -> None:
        for bad in spoilt(route.body):
            if bad.status == 413 and call == "POST /v1/items/import":
                continue
            answer = await ask_raw(seeded_tenant, service, call, route, bad.content)
            assert answer.status_code == bad.status, f"{call}, {bad.why}: {answer.status_code} {answer.text[:500]}"
            assert_says(answer, bad.where, f"{call}, {bad.why}")

    bodies = {
        call: partial(spoil, call, route)
        for call, route in ROUTES[service].items()
        if route.body is not None and call not in UNCHECKED
    }
    await change_nothing(seeded_tenant, bodies)


@pytest.mark.parametrize(("service", "call", "path"), FREE)
async def test_a_value_of_free_form_that_cannot_be_kept_is_refused(
    seeded_tenant: SeededTenant, service: str, call: str, path: tuple[str | int, ...]
) -> None:
    route = ROUTES[service][call]

    async def put(why: str) -> None:
        content = json.dumps(replaced(route.body, path, FREELY_BAD[why])).encode()
        answer = await ask_raw(seeded_tenant, service, call, route, content)
        assert answer.status_code in (400, 422), f"{why}: {answer.text[:500]}"
        assert_says(answer, "", why)

    await change_nothing(seeded_tenant, {why: partial(put, why) for why in FREELY_BAD})


WRONG_PLACES = [
    ("entity-service", "GET", "/v1/items/no-id", {}, 422, "path.id"),
    ("entity-service", "GET", "/v1/items/%00", {}, 422, "path.id"),
    ("entity-service", "GET", "/v1/items?limit=0", {}, 422, "query.limit"),
    ("entity-service", "GET", f"/v1/items?limit={'9' * 30}", {}, 422, "query.limit"),
    ("entity-service", "GET", "/v1/items?cursor=rubbish", {}, 400, "cursor"),
    ("entity-service", "GET", "/v1/items?cursor=W251bGxd", {}, 400, "cursor"),
    ("entity-service", "GET", "/v1/items?q=%00", {}, 422, "query.q"),
    ("entity-service", "GET", "/v1/items?stage=%00", {}, 422, "query.stage"),
    ("entity-service", "GET", "/v1/items?kind=house", {}, 422, "query.kind"),
    ("entity-service", "GET", "/v1/items?updated_since=yesterday", {}, 422, "query.updated_since"),
    ("entity-service", "GET", "/v1/items?updated_since=0001-01-01T00:00:00%2B14:00", {}, 422, "query.updated_since"),
    ("entity-service", "GET", "/v1/items?updated_since=9999-12-31T23:59:59-12:00", {}, 422, "query.updated_since"),
    ("entity-service", "GET", "/v1/contacts?phone=nobody", {}, 422, "phone"),
    ("entity-service", "GET", "/v1/pipelines/UPPER", {}, 422, "path.code"),
    ("entity-service", "PATCH", "/v1/items/{item}", {}, 428, "If-Match"),
    ("entity-service", "PATCH", "/v1/items/{item}", {"if-match": "rubbish"}, 400, "If-Match"),
    ("entity-service", "PATCH", "/v1/items/{item}", {"if-match": "\xb2"}, 400, "If-Match"),
    ("entity-service", "PATCH", "/v1/items/{item}", {"if-match": "9" * 5000}, 400, "If-Match"),
    ("entity-service", "PATCH", "/v1/items/{item}", {"if-match": '"999999"'}, 412, "version"),
    ("entity-service", "POST", "/v1/contacts", {"idempotency-key": "x" * 201}, 400, "Idempotency-Key"),
    ("entity-service", "POST", "/v1/contacts", {"idempotency-key": ""}, 400, "Idempotency-Key"),
    ("rule-engine", "GET", "/v1/runs?cursor=rubbish", {}, 400, "cursor"),
    ("rule-engine", "GET", "/v1/runs?state=asleep", {}, 422, "query.state"),
    ("rule-engine", "GET", "/v1/rule-sets?cursor=WyJcdTAwMDAiXQ", {}, 400, "cursor"),
    ("rule-engine", "GET", f"/v1/rule-sets/sales?version={'9' * 30}", {}, 404, "version"),
    ("rule-engine", "GET", "/v1/rule-sets/sales?version=soon", {}, 422, "query.version"),
    ("rule-engine", "POST", "/v1/runs/{run}/rules/%00/run-now", {}, 404, "rule"),
    ("rule-engine", "POST", "/v1/runs/{run}/rules/nothing/cancel", {}, 404, "rule"),
    ("rule-engine", "POST", "/v1/runs/{run}/rules/nothing/retry", {}, 404, "rule"),
    ("trigger-service", "GET", "/v1/arrivals?cursor=rubbish", {}, 400, "cursor"),
    ("trigger-service", "GET", "/v1/arrivals?verdict=perhaps", {}, 422, "query.verdict"),
    ("trigger-service", "POST", "/v1/triggers/%00/rotate", {}, 422, "path.code"),
    ("doc-service", "GET", f"/v1/templates/act?version={'9' * 30}", {}, 422, "query.version"),
    ("doc-service", "GET", f"/v1/templates/act?version={2**31}", {}, 422, "query.version"),
    ("doc-service", "GET", "/v1/templates?cursor=rubbish", {}, 400, "cursor"),
    ("doc-service", "GET", "/v1/documents?item_id=x", {}, 422, "query.item_id"),
    ("doc-service", "POST", f"/v1/files?name={'x' * 501}", {}, 422, "query.name"),
    ("comms-service", "GET", "/v1/opt-outs/%00", {}, 422, "path.address"),
    ("comms-service", "PUT", "/v1/opt-outs/nobody", {}, 422, "path.address"),
    ("comms-service", "GET", "/v1/messages?cursor=rubbish", {}, 400, "cursor"),
    ("comms-service", "GET", "/v1/notifications?unread=perhaps", {}, 422, "query.unread"),
]


async def test_what_cannot_be_looked_for_is_named(seeded_tenant: SeededTenant) -> None:
    async def look(service: str, method: str, path: str, headers: dict[str, str], status: int, what: str) -> None:
        sent = seeded_tenant.person("admin") | headers
        raw = [(name.encode(), text.encode("latin-1")) for name, text in sent.items()]
        url = seeded_tenant.running_stack.url(service) + path.format_map(seeded_tenant.ids)
        answer = await seeded_tenant.running_stack.http.request(method, url, headers=raw, json={})
        assert answer.status_code == status, f"{method} {path}: {answer.text}"
        said = problem(answer)
        assert what in str([said["detail"], *(error["where"] for error in said.get("errors", []))])

    await change_nothing(seeded_tenant, {str(place): partial(look, *place) for place in WRONG_PLACES})


MEANINGLESS: list[tuple[str, str, str, dict[str, Any], str]] = [
    ("entity-service", "PUT", "/v1/items/{item}/stage", {"stage": "nowhere"}, "stage"),
    ("entity-service", "PUT", "/v1/items/{item}/stage", {"stage": "new", "pipeline": "nowhere"}, "pipeline"),
    ("entity-service", "POST", "/v1/items", {"kind": "deal", "title": "A", "stage": "nowhere"}, "stage"),
    (
        "entity-service",
        "POST",
        "/v1/items/import",
        {"items": [{"kind": "deal", "title": "A", "stage": "b"}]},
        "items[0]",
    ),
    ("entity-service", "PATCH", "/v1/items/{item}", {"fields": {"nothing": 1}}, "fields.nothing"),
    (
        "entity-service",
        "PATCH",
        "/v1/items/{item}",
        {"fields": {"a_datetime": "0001-01-01T00:00:00+14:00"}},
        "a_datetime",
    ),
    ("entity-service", "PUT", "/v1/pipelines/leads", {"name": "A", "kind": "lead", "stages": []}, "stages"),
    ("entity-service", "PUT", "/v1/departments/sales", {"name": "A", "parent": "sales"}, "parent"),
    ("entity-service", "POST", "/v1/contacts", {"phones": [{"number": "12"}]}, "phones[0].number"),
    (
        "entity-service",
        "POST",
        "/v1/items/{item}/tasks",
        {"name": "A", "deadline": "9999-12-31T23:59:59-14:00"},
        "deadline",
    ),
    ("rule-engine", "POST", "/v1/runs/{run}/rules/{rule}/postpone", {"until": "9999-12-31T23:59:59-14:00"}, "until"),
    ("rule-engine", "POST", "/v1/runs/{run}/rules/{rule}/postpone", {"until": "0001-01-01T00:00:00+14:00"}, "until"),
    (
        "trigger-service",
        "PUT",
        "/v1/triggers/a",
        {"name": "A", "type": "magic", "pipeline": "sales", "stage": "new"},
        "type",
    ),
    (
        "trigger-service",
        "PUT",
        "/v1/triggers/a",
        {"name": "A", "type": "webhook", "pipeline": "sales", "stage": "new", "condition": a_condition(60)},
        "condition",
    ),
    ("entity-service", "PUT", "/v1/payment-accounts/a", {"name": "A", "secret": "whsec_c2hvcnQ="}, "secret"),
    ("doc-service", "PUT", "/v1/templates/a", {"name": "A", "source": '#read("/etc/passwd")'}, "source:1:7"),
    ("doc-service", "PUT", "/v1/templates/a", {"name": "A", "source": "PK\x03\x04 no typst #("}, "source"),
    ("doc-service", "PUT", "/v1/templates/a", {"name": "A", "source": "x" * 200_001}, "source"),
    ("comms-service", "PUT", "/v1/channels/a", {"kind": "sms", "name": "A\x1bBcc: b@example.com"}, "name"),
    (
        "comms-service",
        "PUT",
        "/v1/channels/a",
        {"kind": "email", "name": "A", "sender_address": "a@example.com", "sender_name": "A\x1bBcc: b@example.com"},
        "sender_name",
    ),
    (
        "comms-service",
        "PUT",
        "/v1/channels/a",
        {"kind": "email", "name": "A", "sender_address": "a@example.com\nBcc: b@example.com"},
        "sender_address",
    ),
    ("comms-service", "PUT", "/v1/opt-outs/a@example.com", {"note": "A\x1bB"}, "note"),
]


async def test_what_makes_no_sense_is_refused_with_its_place(seeded_tenant: SeededTenant) -> None:
    async def ask_for(service: str, method: str, path: str, body: dict[str, Any], where: str) -> None:
        answer = await seeded_tenant.ask(service, method, path.format_map(seeded_tenant.ids), body)
        assert answer.status_code == 422, f"{method} {path}: {answer.text}"
        assert where in str([error["where"] for error in problem(answer)["errors"]])

    await change_nothing(seeded_tenant, {str(wish): partial(ask_for, *wish) for wish in MEANINGLESS})


SEND = {"name": "one", "type": "send_sms", "params": {"text": "{{ contact.first_name"}}
LEAP = {"type": "change_stage", "execution": "parallel"}
WRONG_RULES: dict[str, dict[str, Any]] = {
    "stages.nowhere": {"nowhere": {"rules": []}},
    "stages.planned.rules[0].params.text": {"planned": {"rules": [SEND]}},
    "stages.planned.rules[0].type": {"planned": {"rules": [SEND | {"type": "magic"}]}},
    "stages.planned.rules[0].condition": {"planned": {"rules": [SEND | {"condition": a_condition(60)}]}},
    "stages.planned.rules[0].params": {
        "planned": {"rules": [LEAP | {"name": "there", "params": {"stage": "scheduled"}}]},
        "scheduled": {"rules": [LEAP | {"name": "back", "params": {"stage": "planned"}}]},
    },
}


async def test_rules_that_cannot_work_are_not_published(seeded_tenant: SeededTenant) -> None:
    """An unknown stage, a template error, an unknown type, stage changes in a circle."""

    async def publish(where: str) -> None:
        body = {"pipeline": "installation", "publish": True, "stages": WRONG_RULES[where]}
        answer = await seeded_tenant.ask("rule-engine", "PUT", "/v1/rule-sets/installation", body)
        assert answer.status_code == 422, answer.text
        assert where in [error["where"] for error in problem(answer)["errors"]]

    await change_nothing(seeded_tenant, {where: partial(publish, where) for where in WRONG_RULES})


async def test_a_body_is_not_too_large_only_because_nobody_said_how_large_it_is(seeded_tenant: SeededTenant) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b" " * MEGABYTE

    async with unchanged(seeded_tenant):
        for service, method, path in (
            ("entity-service", "POST", "/v1/items"),
            ("entity-service", "POST", "/v1/items/import"),
            ("rule-engine", "PUT", "/v1/rule-sets/sales"),
            ("trigger-service", "POST", f"/f/{seeded_tenant.ids['form']}"),
            ("trigger-service", "POST", f"/hooks/t/{seeded_tenant.ids['hook']}"),
            ("doc-service", "POST", "/v1/files"),
            ("comms-service", "POST", "/public/receipts/sms"),
        ):
            answer = await seeded_tenant.running_stack.ask(
                service, method, path, seeded_tenant.person("admin"), content=endless()
            )
            assert (answer.status_code, problem(answer)["title"]) == (413, "Content Too Large"), path


UPLOADS: dict[str, tuple[str, bytes, str]] = {
    "a form without its boundary": ("multipart/form-data", b"--a\r\n", "body"),
    "a form that breaks off": ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition: fo", "file"),
    "a form of nonsense": ("multipart/form-data; boundary=a", b"\x00\xff" * 50, "body"),
    "a form with a text for a file": (
        "multipart/form-data; boundary=a",
        b'--a\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--a--\r\n',
        "file",
    ),
    "nothing": ("application/octet-stream", b"", "body"),
}


async def test_what_is_no_upload_is_refused(seeded_tenant: SeededTenant) -> None:
    async def upload(kind: str, content: bytes, where: str) -> None:
        headers = seeded_tenant.person("agent") | {"content-type": kind}
        answer = await seeded_tenant.running_stack.ask(
            "doc-service", "POST", "/v1/files?name=a.pdf", headers, content=content
        )
        assert answer.status_code == 422, answer.text
        assert [error["where"] for error in problem(answer)["errors"]] == [where]

    await change_nothing(seeded_tenant, {why: partial(upload, *one) for why, one in UPLOADS.items()})


async def test_the_name_of_a_file_ends_no_header(seeded_tenant: SeededTenant) -> None:
    name = quote('a.pdf"\r\nSet-Cookie: a=b')
    made = await seeded_tenant.running_stack.ask(
        "doc-service", "POST", f"/v1/files?name={name}", seeded_tenant.person("agent"), content=b"%PDF-"
    )
    read = await seeded_tenant.running_stack.ask(
        "doc-service", "GET", made.headers["location"], seeded_tenant.person("viewer")
    )
    assert "set-cookie" not in read.headers
    assert "\n" not in made.json()["file"]["name"]


JSON, FORM = "application/json", "application/x-www-form-urlencoded"
SUBMISSIONS: dict[str, tuple[str, bytes, int, str]] = {
    "no JSON": (JSON, b"{", 422, "body"),
    "a list": (JSON, b"[]", 422, "body"),
    "nested too deeply": (JSON, b'{"a":' * 10_000, 422, "body"),
    "a null character": (JSON, b'{"name": "a\\u0000", "phone": "+447700900123", "wish": "a"}', 422, "body"),
    "a lone surrogate": (JSON, b'{"name": "a\\ud800", "phone": "+447700900123", "wish": "a"}', 422, "body"),
    "nothing at all": (JSON, b"{}", 422, "_nonce"),
    "a nonce that is none": (JSON, b'{"_nonce": {"a": 1}}', 422, "_nonce"),
    "an endless nonce": (JSON, b'{"_nonce": "' + b"a" * 20_000 + b'"}', 422, "_nonce"),
    "not filled in": (JSON, b'{"_nonce": "NONCE"}', 422, "name"),
    "an object for a text": (
        JSON,
        b'{"_nonce": "NONCE", "name": {}, "phone": "+447700900123", "wish": "a"}',
        422,
        "name",
    ),
    "no phone number": (JSON, b'{"_nonce": "NONCE", "name": "a", "phone": "soon", "wish": "a"}', 422, "phone"),
    "an endless text": (
        JSON,
        b'{"_nonce": "NONCE", "name": "a", "phone": "+447700900123", "wish": "' + b"a" * 20_000 + b'"}',
        422,
        "wish",
    ),
    "too many fields": (FORM, b"&".join(b"f%d=1" % n for n in range(200)), 422, "body"),
    "no text at all": (FORM, b"name=%ff%00", 422, "body"),
    "another kind": ("text/plain", b"name=a", 415, ""),
    "too large": (JSON, b" " * 70_000, 413, ""),
}


async def test_what_is_no_submission_is_refused(seeded_tenant: SeededTenant) -> None:
    path = f"/f/{seeded_tenant.ids['form']}"

    async def submit(kind: str, content: bytes, status: int, where: str) -> None:
        content = content.replace(b"NONCE", seeded_tenant.nonce().encode())
        headers = {"content-type": kind}
        answer = await seeded_tenant.running_stack.ask("trigger-service", "POST", path, headers, content=content)
        assert answer.status_code == status, answer.text
        assert where in str(problem(answer).get("errors", ""))

    await change_nothing(seeded_tenant, {why: partial(submit, *one) for why, one in SUBMISSIONS.items()})


async def test_an_unsigned_call_or_one_without_an_item_moves_nothing(seeded_tenant: SeededTenant) -> None:
    running_stack, ids = seeded_tenant.running_stack, seeded_tenant.ids
    paid = {"payment_id": ids["payment"], "status": "paid", "amount": 1, "currency": "EUR"}
    async with unchanged(seeded_tenant):
        unsigned = await running_stack.ask("entity-service", "POST", f"/hooks/payments/{ids['provider']}", json=paid)
        assert (unsigned.status_code, problem(unsigned)["title"]) == (401, "Unauthorized")
        for content in (b"", b"{", b"[]", b'{"item_id": "\\u0000"}', b'{"a":' * 10_000):
            called = await running_stack.ask("trigger-service", "POST", f"/hooks/t/{ids['hook']}", content=content)
            assert called.status_code == 422, content[:20]
            assert_says(called, "body", str(content[:20]))


async def test_a_clients_name_with_line_breaks_ends_no_mail_header(seeded_tenant: SeededTenant) -> None:
    """It is kept on one line, so the mail server hears of one recipient."""
    evil = {"first_name": f"Alex\r\nBcc: {SECRETIVE}@evil.example", "emails": [{"address": "alex@example.com"}]}
    contact = await seeded_tenant.make("entity-service", "/v1/contacts", evil)
    rule = {"name": "mail", "type": "send_email", "params": {"subject": "To {{ contact.first_name }}", "text": "Hi"}}
    rules = {"pipeline": "leads", "publish": True, "stages": {"new": {"rules": [rule]}}}
    assert (await seeded_tenant.ask("rule-engine", "PUT", "/v1/rule-sets/leads", rules)).is_success
    lead = {"kind": "lead", "title": "Evil", "contact_ids": [contact["id"]]}
    item = (await seeded_tenant.make("entity-service", "/v1/items", lead))["id"]

    async def sent() -> Any:
        return (await seeded_tenant.get("rule-engine", f"/v1/runs?item_id={item}&state=done"))["items"]

    await eventually(sent, "the mail")
    mails = (await seeded_tenant.running_stack.http.get(f"{seeded_tenant.running_stack.mail_url}/mails")).json()
    (mail,) = [mail for mail in mails if "alex@example.com" in str(mail)]
    assert mail["to"] == ["alex@example.com"]


async def ask_raw(seeded_tenant: SeededTenant, service: str, call: str, route: Route, content: bytes) -> httpx.Response:
    headers = entitled(seeded_tenant, service, call, route.role) | {"if-match": "*", "content-type": "application/json"}
    return await ask(seeded_tenant, service, call, route, headers, content)


def assert_says(answer: httpx.Response, where: str, why: str) -> None:
    """A problem with words for people; bad values are named with their places, and the answer stays short."""
    said = problem(answer)
    assert said["status"] == answer.status_code, why
    assert said["detail"], why
    assert len(answer.content) < 20_000, why
    if answer.status_code == 422:
        assert said["errors"], why
        assert all(error["where"] and error["what"] for error in said["errors"]), why
        places = [error["where"] for error in said["errors"]]
        assert any(place.startswith(where) for place in places), f"{why}: {said}"
