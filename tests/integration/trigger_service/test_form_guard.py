"""What keeps machines from a form, and a form from flooding people: nonces, caps, a challenge."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from pydantic import SecretStr

from contracts.messages.entity_commands import CreateItem
from integration.trigger_service.harness import FORM, Harness, Tenant, open_harness
from local_stack.ports import free_port
from support.quotas import allow
from support.serving import serving

FILLED = {"name": "Client One", "phone": "+49 30 1234567", "product": "oak table"}
PAGE = {"accept": "text/html", "origin": "http://triggers.example"}
IN_A_MINUTE = timedelta(minutes=-1)
"""As if the clock had not got there yet: however slow a test is, it sends the form too soon."""


async def form(tenant: Tenant, **changes: Any) -> str:
    path: str = (await tenant.put("forms/order", {**FORM, **changes}))["path"]
    return path


async def limit(harness: Harness, tenant: Tenant, quota: str, limit: int) -> None:
    transport = httpx.ASGITransport(harness.app)
    async with httpx.AsyncClient(transport=transport, base_url=harness.service_environment.url) as http:
        await allow(http, harness.service_environment, tenant.id, quota, limit)


async def test_a_script_gets_the_fields_a_nonce_and_how_long_to_wait(harness: Harness) -> None:
    tenant = harness.tenant()
    opened = (await tenant.call("GET", await form(tenant), role=None)).json()
    assert (opened["min_age_s"], opened["challenge"]) == (3, None)
    assert [one["name"] for one in opened["fields"]] == ["name", "phone", "product"]
    assert len(opened["nonce"]) > 100


async def test_what_is_sent_too_soon_can_be_sent_again_with_the_same_nonce(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    early = await tenant.submit(path, {**FILLED, "_nonce": tenant.nonce(path, IN_A_MINUTE)})
    assert (early.status_code, 0 < int(early.headers["retry-after"]) < 64) == (429, True)
    assert "this was sent very soon after the form was opened" in early.json()["detail"]
    assert await tenant.arrivals() == []


async def test_a_browser_that_was_too_quick_gets_the_form_back_as_it_was_filled_in(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    nonce = tenant.nonce(path, IN_A_MINUTE)
    page = await tenant.call("POST", path, role=None, data={**FILLED, "_nonce": nonce}, headers=PAGE)
    assert (page.status_code, page.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert "This was sent very soon" in page.text
    for kept in ("Client One", "+49 30 1234567", "oak table", nonce):
        assert f'value="{kept}"' in page.text


@pytest.mark.parametrize("why", ["none", "made up", "of another form", "too old"])
async def test_without_a_nonce_of_the_form_nothing_is_taken_in_and_the_page_has_a_new_one(
    harness: Harness, why: str
) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    nonces = {
        "none": {},
        "made up": {"_nonce": "one"},
        "of another form": {"_nonce": tenant.nonce("/f/another")},
        "too old": {"_nonce": tenant.nonce(path, timedelta(hours=25))},
    }
    refused = await tenant.post(path, {**FILLED, **nonces[why]})
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"where": "_nonce", "what": "take a new one from GET of this address"}]
    page = await tenant.call("POST", path, role=None, data={**FILLED, **nonces[why]}, headers=PAGE)
    assert (page.status_code, 'value="Client One"' in page.text) == (422, True)
    assert 'name="_nonce" value="ey' in page.text
    assert f'value="{nonces[why].get("_nonce")}"' not in page.text
    assert await tenant.arrivals() == []


@pytest.mark.parametrize(
    ("quota", "other"),
    [
        ("submissions_per_form_and_minute", None),
        ("submissions_per_hour", None),
        ("submissions_per_recipient_and_day", {"phone": "+49 30 7654321"}),
    ],
)
async def test_over_a_cap_visitors_are_asked_to_come_back_later(
    harness: Harness, quota: str, other: dict[str, str] | None
) -> None:
    tenant = harness.tenant()
    path = await form(tenant)
    await limit(harness, tenant, quota, 1)
    filled = {**FILLED, "_nonce": tenant.nonce(path)}
    first = await tenant.submit(path, filled)
    assert first.status_code == 202
    over = await tenant.submit(path, {**FILLED, "phone": "+49301234567"})
    assert (over.status_code, int(over.headers["retry-after"]) > 0) == (429, True)
    page = await tenant.call("POST", path, role=None, data={**FILLED, "_nonce": tenant.nonce(path)}, headers=PAGE)
    assert (page.status_code, 'value="oak table"' in page.text) == (429, True)
    assert "retry-after" in page.headers
    repeat = await tenant.submit(path, filled)
    assert repeat.json() == first.json(), "a repeat takes up nothing"
    if other:
        assert (await tenant.submit(path, FILLED | other)).status_code == 202
    taken = 2 if other else 1
    assert len(await tenant.said(CreateItem, taken)) == taken
    views = (await tenant.call("GET", "/v1/quotas", role="viewer")).json()["items"]
    assert {one["name"]: one["used"] for one in views}["submissions_per_hour"] == taken


@dataclass
class Provider:
    """As providers of challenges answer: a solution counts once. `asked` is what they were asked."""

    away: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/siteverify")
        async def verify(request: Request) -> Response:
            return self._answer({name: str(value) for name, value in (await request.form()).items()})

        return app

    def _answer(self, form: dict[str, str]) -> Response:
        self.asked.append(form)
        if self.away:
            return Response("busy", 503)
        if form["secret"] != "ours":
            return _verdict("invalid-input-secret")
        if form["response"] in self.used or not form["response"].startswith("solved"):
            return _verdict("timeout-or-duplicate")
        self.used.add(form["response"])
        return _verdict()


def _verdict(*faults: str) -> Response:
    codes = ",".join(f'"{fault}"' for fault in faults)
    verdict = f'{{"success": {str(not faults).lower()}, "error-codes": [{codes}], "hostname": "shop.example"}}'
    return Response(verdict, media_type="application/json")


@pytest.fixture(scope="module")
async def provider() -> Provider:
    return Provider()


@pytest.fixture(scope="module")
async def challenged(
    postgres: str, kafka: str, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Harness]:
    folder: Path = tmp_path_factory.mktemp("challenged")
    async with serving(provider.app(), free_port()) as url:
        own = {"challenge": "turnstile", "challenge_site_key": "site", "challenge_secret": SecretStr("ours")}
        async with open_harness(postgres, kafka, folder, **own, challenge_verify_url=f"{url}/siteverify") as harness:
            yield harness


async def test_who_solves_the_challenge_is_taken_in_and_a_repeat_needs_no_other_solution(
    challenged: Harness, provider: Provider
) -> None:
    tenant = challenged.tenant()
    path = await form(tenant)
    opened = (await tenant.call("GET", path, role=None)).json()["challenge"]
    assert (opened["site_key"], opened["field"]) == ("site", "cf-turnstile-response")
    filled = {**FILLED, "_nonce": tenant.nonce(path), opened["field"]: "solved-1"}
    first = await tenant.submit(path, filled, address="192.0.2.7")
    assert first.status_code == 202
    assert provider.asked[-1] == {"secret": "ours", "response": "solved-1", "remoteip": "192.0.2.7"}
    assert (await tenant.submit(path, filled)).json() == first.json()
    assert len(await tenant.said(CreateItem)) == 1


async def test_who_does_not_solve_it_is_asked_again_and_keeps_the_answers(
    challenged: Harness, provider: Provider
) -> None:
    tenant = challenged.tenant()
    path = await form(tenant)
    assert (await tenant.submit(path, FILLED)).status_code == 422
    page = await tenant.call(
        "POST",
        path,
        role=None,
        data={**FILLED, "_nonce": tenant.nonce(path), "cf-turnstile-response": "guessed"},
        headers=PAGE,
    )
    assert (page.status_code, 'value="Client One"' in page.text) == (422, True)
    assert '<div class="cf-turnstile" data-sitekey="site">' in page.text
    assert "script-src https://challenges.cloudflare.com" in page.headers["content-security-policy"]
    assert await tenant.arrivals() == []


async def test_while_the_provider_is_away_nobody_is_taken_in_and_nothing_is_lost(
    challenged: Harness, provider: Provider
) -> None:
    tenant = challenged.tenant()
    path = await form(tenant)
    filled = {**FILLED, "_nonce": tenant.nonce(path), "cf-turnstile-response": "solved-2"}
    provider.away = True
    try:
        away = await tenant.submit(path, filled)
        assert (away.status_code, away.headers["retry-after"]) == (503, "60")
    finally:
        provider.away = False
    assert (await tenant.submit(path, filled)).status_code == 202
