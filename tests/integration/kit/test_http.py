"""POSTs that may be sent twice: idempotency keys on a real database."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import APIRouter, Request, Response

from contracts.kit.database import Connection
from contracts.kit.http import conflict, forget_answers, json_response
from contracts.kit.service import Service
from integration.kit.harness import OTHER_TENANT, TENANT, Harness, add_note
from support.waiting import eventually


class Shop:
    """A service with one POST that writes a note and answers its number; it can be held up in the middle."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.written = 0
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()

    def router(self) -> APIRouter:
        router = APIRouter()

        @router.post("/{tenant}/notes")
        async def post_note(tenant: UUID, request: Request) -> Response:
            text = (await request.body()).decode()

            async def do(tx: Connection) -> Response:
                await add_note(tx, tenant, text)
                self.reached.set()
                await self.go_on.wait()
                if text == "refused":
                    raise conflict("not now")
                self.written += 1
                headers = {"Location": f"/notes/{self.written}", "ETag": '"1"', "X-Once": "1"}
                return json_response({"number": self.written}, 201, headers)

            subject = request.headers.get("x-subject", "ada")
            return await self.service.idempotency.once(request, tenant=tenant, subject=subject, do=do)

        return router


@pytest.fixture
async def shop(harness: Harness) -> AsyncIterator[Shop]:
    made = Shop(harness.service())
    await made.service.database.open()
    yield made
    await made.service.database.close()


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    app = shop.service.app("shop", [shop.router()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as opened:
        yield opened


async def post(
    client: httpx.AsyncClient,
    text: str,
    key: str | None,
    *,
    tenant: UUID = TENANT,
    subject: str = "ada",
    query: str = "",
) -> httpx.Response:
    headers = {"x-subject": subject} | ({"Idempotency-Key": key} if key is not None else {})
    return await client.post(f"/{tenant}/notes{query}", content=text.encode(), headers=headers)


def shown(answer: httpx.Response) -> tuple[int, Any, str | None, str | None]:
    return answer.status_code, answer.json(), answer.headers.get("location"), answer.headers.get("etag")


async def test_the_same_key_again_gives_the_first_answer_again(
    client: httpx.AsyncClient, shop: Shop, harness: Harness
) -> None:
    first, second = await post(client, "a", "k"), await post(client, "a", "k")
    assert shown(first) == shown(second) == (201, {"number": 1}, "/notes/1", '"1"')
    assert (first.headers.get("idempotent-replayed"), second.headers.get("idempotent-replayed")) == (None, "true")
    assert (await harness.notes(), shop.written) == (["a"], 1)


async def test_without_a_key_or_with_another_it_is_another_request(client: httpx.AsyncClient, harness: Harness) -> None:
    for key in (None, None, "one", "two"):
        assert (await post(client, "a", key)).status_code == 201
    assert await harness.notes() == ["a"] * 4


@pytest.mark.parametrize("changes", [{"text": "b"}, {"query": "?x=1"}])
async def test_a_key_that_was_used_for_another_request_is_refused(
    client: httpx.AsyncClient, harness: Harness, changes: dict[str, Any]
) -> None:
    await post(client, "a", "k")
    answer = await post(client, **{"text": "a", **changes}, key="k")
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        [{"where": "Idempotency-Key", "what": "take a new one"}],
    )
    assert await harness.notes() == ["a"]


async def test_keys_belong_to_one_subject_of_one_tenant(client: httpx.AsyncClient, harness: Harness) -> None:
    answers = [
        await post(client, "a", "k"),
        await post(client, "a", "k", subject="bob"),
        await post(client, "a", "k", tenant=OTHER_TENANT),
    ]
    assert [answer.json()["number"] for answer in answers] == [1, 2, 3]
    assert (await harness.notes(), await harness.notes(OTHER_TENANT)) == (["a", "a"], ["a"])


async def test_two_at_the_same_time_become_one(client: httpx.AsyncClient, shop: Shop, harness: Harness) -> None:
    shop.go_on.clear()
    first = asyncio.create_task(post(client, "a", "k"))
    await shop.reached.wait()
    second = asyncio.create_task(post(client, "a", "k"))
    await eventually(lambda: _somebody_waits(harness))
    shop.go_on.set()
    assert shown(await first) == shown(await second)
    assert (await harness.notes(), shop.written) == (["a"], 1)


async def test_a_request_that_failed_leaves_its_key_free(
    client: httpx.AsyncClient, shop: Shop, harness: Harness
) -> None:
    assert (await post(client, "refused", "k")).status_code == 409
    assert (await post(client, "refused", "k")).status_code == 409
    assert (await post(client, "fine", "k")).status_code == 201
    assert await harness.notes() == ["fine"]


@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_a_key_of_an_unusable_length_is_refused(client: httpx.AsyncClient, key: str) -> None:
    assert (await post(client, "a", key)).status_code == 400


async def test_random_keys_never_meet(client: httpx.AsyncClient, shop: Shop) -> None:
    await asyncio.gather(*(post(client, "a", str(uuid4())) for _ in range(20)))
    assert shop.written == 20


async def _somebody_waits(harness: Harness) -> bool:
    rows = await harness.sql(
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    return bool(rows)


async def test_answers_are_forgotten_after_their_days_however_many_there_are(
    harness: Harness, shop: Shop, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contracts.kit.aging.BATCH", 2)
    old = [await post(client, "old", f"old-{number}") for number in range(5)]
    kept = await post(client, "kept", "kept")
    await harness.sql("UPDATE idempotency_keys SET created_at = now() - interval '8 days' WHERE key ~ '^old-'")
    assert await forget_answers(shop.service.database, shop.service.settings.idempotency_days) == 5
    assert shown(await post(client, "kept", "kept")) == shown(kept)
    assert shown(await post(client, "anew", "old-0"))[0] == 201
    assert len({answer.json()["number"] for answer in old}) == 5
