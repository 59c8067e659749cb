"""The sandbox's payment page: what a person sees, and that the money is taken once."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from local_stack.peers import payments
from local_stack.peers.payments import PaymentSettings, build_app
from local_stack.peers.peer import signature

SECRET = "whsec_c3RhZ2V3cmlnaHQtc2VjdXJpdHktdGVzdHMh"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is called back."""
    made = list[Any]()

    async def call_back(url: str, secret: str, message_id: str, body: Any) -> int:
        made.append((url, message_id, body))
        return 204

    monkeypatch.setattr(payments, "call_back", call_back)
    return made


@pytest.fixture
async def sandbox(tmp_path: Path, calls: list[Any]) -> AsyncIterator[httpx.AsyncClient]:
    known = {"http_port": 1, "peer_folder": tmp_path, "payment_secret": SECRET}
    app = build_app(PaymentSettings.model_validate(known))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox") as client:
        yield client


async def make(
    sandbox: httpx.AsyncClient, ends: timedelta = timedelta(hours=1), secret: str = SECRET
) -> httpx.Response:
    body = {"payment_id": "p-1", "amount": 1999, "currency": "EUR", "description": "<b>Table</b>"}
    body |= {"expires_at": (datetime.now(UTC) + ends).isoformat(), "callback_url": "http://service/hook"}
    text = json.dumps(body)
    headers = {"Idempotency-Key": "p-1"} | signature(secret, "p-1", text)
    return await sandbox.post("/payments", content=text, headers=headers)


async def test_a_link_is_made_once_for_a_key_and_paid_once(sandbox: httpx.AsyncClient, calls: list[Any]) -> None:
    made = (await make(sandbox)).json()
    assert (await make(sandbox)).json() == made
    assert len((await sandbox.get("/links")).json()) == 1
    path = urlsplit(made["link"]).path
    page = await sandbox.get(path)
    assert "EUR 1999" in page.text
    assert "<b>Table" not in page.text
    assert "Thank you" in (await sandbox.post(path)).text
    assert "Thank you" in (await sandbox.post(path)).text
    assert {(url, said["amount"], said["status"], said["paid_at"]) for url, _, said in calls} == {
        ("http://service/hook", 1999, "paid", calls[0][2]["paid_at"])
    }
    assert len({message_id for _, message_id, _ in calls}) == 1


async def test_an_expired_link_says_so_and_takes_no_money(sandbox: httpx.AsyncClient, calls: list[Any]) -> None:
    path = urlsplit((await make(sandbox, -timedelta(seconds=1))).json()["link"]).path
    for answer in (await sandbox.get(path), await sandbox.post(path)):
        assert (answer.status_code, "has expired" in answer.text) == (410, True)
    assert calls == []


async def test_nobody_else_gets_a_link(sandbox: httpx.AsyncClient) -> None:
    assert (await make(sandbox, secret="whsec_" + "B" * 32)).status_code == 401
    assert (await sandbox.get("/pay/other")).status_code == 404
