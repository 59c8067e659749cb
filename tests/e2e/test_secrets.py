"""What nobody but the tenant and his clients may read: after the whole story it is in no log, metric, trace or
error, and nowhere in Temporal."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from temporalio.client import Client

from local_stack.addresses import SERVICES
from local_stack.databases import describe_database
from local_stack.demo.shop import Shop
from local_stack.demo.story import COMPANY, SMS, WISH, Story
from support import forms

pytestmark = [pytest.mark.e2e, pytest.mark.verify, pytest.mark.timeout(900)]

type Texts = Mapping[str, bytes]
"""Everything that was said, by where."""


def test_no_log_tells_of_people_texts_or_secrets(played: Story) -> None:
    logs = {path.name: path.read_bytes() for path in played.shop.logs.glob("*.log")}
    assert logs.keys() >= {f"{service}.log" for service in SERVICES}
    assert b"delivery postponed" in logs["comms-service.log"]
    assert told(logs, {**personal(played), **secret(played.shop)}) == []


def test_no_metric_tells_of_people_secrets_tenants_or_items(played: Story) -> None:
    metrics = {name: played.shop.visitor.send("GET", name, "/metrics").content for name in SERVICES}
    assert all(b"outbox_pending" in text for text in metrics.values())
    ids = {"tenant": str(played.shop.tenant), "deal": played.deal, "contact": played.contact}
    assert told(metrics, {**personal(played), **secret(played.shop), **ids}) == []


def test_no_trace_tells_of_people_texts_or_secrets(played: Story) -> None:
    spans = {path.name: path.read_bytes() for path in (played.shop.stack.folder / "traces/data").glob("spans.db*")}
    assert any(b"PUT /v1/items/{id}/stage" in content for content in spans.values())
    assert told(spans, {**personal(played), **secret(played.shop)}) == []


def test_temporal_holds_ids_and_nothing_else(played: Story) -> None:
    executions = asyncio.run(histories(played.shop.stack.addresses.address("temporal")))
    assert any(str(played.shop.tenant).encode() in content for content in executions.values())
    assert told(executions, {**personal(played), **secret(played.shop), "deal": played.deal}) == []
    data = played.shop.stack.folder / "temporal"
    files = {path.name: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert any(str(played.shop.tenant).encode() in content for content in files.values())
    assert told(files, {**personal(played), **secret(played.shop)}) == []


def test_errors_do_not_repeat_what_was_sent(played: Story) -> None:
    answers = {f"{number} {answer.request.url.path}": answer for number, answer in enumerate(provoke(played))}
    assert {where: answer.status_code for where, answer in answers.items() if answer.is_success} == {}
    texts = {where: answer.content for where, answer in answers.items()}
    assert told(texts, {**personal(played), **secret(played.shop)}) == []


def provoke(story: Story) -> Iterator[httpx.Response]:
    """Requests that are wrong about something personal or secret."""
    words = personal(story)
    phone, email, name = words["phone"], words["e-mail"], words["name"]
    addresses, headers = story.shop.stack.addresses, {"Authorization": f"Bearer {story.shop.owner.token}"}
    with httpx.Client(headers=headers) as http:
        entity, comms, triggers = (
            addresses.url(part) for part in ("entity-service", "comms-service", "trigger-service")
        )
        yield http.get(f"{entity}/v1/contacts", params={"phone": f"{phone}{phone}"})
        yield http.get(f"{entity}/v1/contacts", params={"email": f"{email}@"})
        yield http.post(f"{entity}/v1/contacts", json={"first_name": [name], "phones": [{"number": f"0{phone}"}]})
        yield http.post(f"{entity}/v1/contacts", json={"first_name": name, "emails": [{"address": f"{email}@"}]})
        yield http.post(f"{entity}/v1/contacts", json={"first_name": name * 100})
        yield http.post(f"{entity}/v1/items", json={"kind": WISH, "title": WISH})
        yield http.put(f"{entity}/v1/employees/manager", json={"first_name": name, "department": "nowhere"})
        yield http.put(f"{comms}/v1/opt-outs/{email}@")
        yield http.put(f"{comms}/v1/channels/mail", json={"kind": "email", "name": WISH, "sender_address": f"{email}@"})
        opened = forms.nonce(story.shop.stack.credentials.secrets.secrets_key, story.shop.form)
        wrong = {"_nonce": opened, "name": name, "phone": f"{phone}{phone}", "email": f"{email}@"}
        yield http.post(f"{triggers}{story.shop.form}", json=wrong)
        bank, secret_ = "/v1/payment-accounts/bank", story.shop.stack.credentials.secrets.payment_secret
        yield http.put(entity + bank, json={"name": "Bank", "secret": f"{secret_}!"})
        yield http.put(entity + bank, json={"name": "Bank", "secret": [secret_]})
        yield http.post(story.shop.payment_callback, json={"payment_id": name}, headers={"webhook-signature": secret_})
        yield http.get(f"{entity}/v1/items", headers={"Authorization": f"Bearer {story.shop.owner.token}x"})
        yield http.get(f"{entity}/v1/items/{uuid4()}")


def personal(story: Story) -> dict[str, str]:
    """What the story told of a client, and what was written to him."""
    client = story.shop.manager.get("entity-service", f"/v1/contacts/{story.contact}")
    return {
        "phone": client["phone"].removeprefix("+"),
        "e-mail": client["email"],
        "name": client["name"],
        "SMS": SMS,
        "wish": WISH,
        "company": COMPANY,
        "address": "Piazza Esempio",
        "tax number": "IT11111111111",
        "mail": "here is your invoice",
        "product": "Oak chair",
        "public link": public_link(story, client["email"]),
    }


def public_link(story: Story, email: str) -> str:
    """The unguessable part of the address in the mail."""
    (raw,) = story.seen.mails(email).values()
    before, _, after = raw.decode(errors="replace").partition("/d/")
    assert after, before
    return after.split()[0]


def secret(shop: Shop) -> dict[str, str]:
    """Passwords, shared secrets, tokens and addresses that are secrets themselves."""
    credentials = shop.stack.credentials
    databases = [describe_database(shop.stack.postgres.dsn, name) for name in SERVICES]
    passwords = {f"password of {each.name}": urlsplit(each.app_url).password or "" for each in databases}
    files = [file for name in SERVICES for file in credentials.service_tokens(name).glob("*")]
    services = {f"{file.parent.name} for {file.name}": file.read_text().strip() for file in files}
    people = {"owner's token": shop.owner.token, "manager's": shop.manager.token, "head's": shop.head.token}
    addresses = {"form": shop.form.rpartition("/")[2], "callback": shop.payment_callback.rpartition("/")[2]}
    return {**asdict(credentials.secrets), **passwords, **services, **people, **addresses}


def told(texts: Texts, words: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Where which of the words was found."""
    assert all(words.values())
    return [(where, what) for where, text in texts.items() for what, word in words.items() if word.encode() in text]


async def histories(address: str) -> Texts:
    """Everything that Temporal can tell of every execution, open and closed, by its id."""
    client = await Client.connect(address)
    found: dict[str, bytes] = {}
    async for execution in client.list_workflows(""):
        history = await client.get_workflow_handle(execution.id, run_id=execution.run_id).fetch_history()
        events = b"".join(event.SerializeToString() for event in history.events)
        found[execution.id] = execution.raw_info.SerializeToString() + events
    return found
