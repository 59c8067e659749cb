"""An SMS provider: takes messages with an idempotency key, sends signed delivery receipts, fails on demand."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from local_stack.peers.peer import Journal, PeerSettings, call_back, now, serve

_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_DOUBLE = set("^{}\\[~]|€")
_RECEIPT_ATTEMPTS = 6


class SmsSettings(PeerSettings):
    sms_token: SecretStr
    sms_webhook_secret: SecretStr
    receipt_delay_s: float = 0.3


class Sms(BaseModel):
    """At most as long as networks join parts, 255 of them."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, Field(pattern=r"^\+\d{7,15}$")]
    text: Annotated[str, Field(min_length=1, max_length=255 * 153)]
    reference: str | None = None
    callback_url: str | None = None


class Behaviour(StrEnum):
    ACCEPT = "accept"
    FAIL = "fail"  # 500
    LIMIT = "limit"  # 429 with Retry-After
    UNREACHABLE_PHONE = "undelivered"  # accepted, the receipt says undelivered


class Mode(BaseModel):
    """How the next messages are treated: the next `times`, or all until the mode changes."""

    model_config = ConfigDict(extra="forbid")

    behaviour: Behaviour = Behaviour.ACCEPT
    times: int | None = None
    delay_s: float = 0
    retry_after_s: int = 2


class Provider:
    """Remembers every accepted message and every receipt that reached the sender."""

    def __init__(self, settings: SmsSettings) -> None:
        self.mode = Mode()
        self.duplicates = 0
        self._settings = settings
        self._messages = Journal(settings.peer_folder / "messages.jsonl")
        self._receipts = Journal(settings.peer_folder / "receipts.jsonl")
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, sms: Sms, key: str, status: str) -> dict[str, Any]:
        """The same key gives the stored answer and sends nothing."""
        known = next((entry for entry in self._messages.entries if entry["key"] == key), None)
        if known is not None:
            self.duplicates += 1
            return known
        entry = sms.model_dump() | {
            "id": str(uuid4()),
            "key": key,
            "parts": count_parts(sms.text),
            "status": status,
            "received_at": now(),
        }
        self._messages.append(entry)
        self._schedule(entry)
        return entry

    def send_due_receipts(self) -> None:
        """After a restart: receipts that were not confirmed."""
        confirmed = {receipt["id"] for receipt in self._receipts.entries}
        for entry in self._messages.entries:
            if entry["id"] not in confirmed:
                self._schedule(entry)

    def list(self, to: str | None) -> list[dict[str, Any]]:
        confirmed = {receipt["id"]: receipt["at"] for receipt in self._receipts.entries}
        chosen = (entry for entry in self._messages.entries if to is None or entry["to"] == to)
        return [entry | {"receipt_at": confirmed.get(entry["id"])} for entry in chosen]

    def clear(self) -> None:
        self._messages.clear()
        self._receipts.clear()
        self.duplicates = 0

    async def misbehave(self) -> Behaviour:
        """What to do with the message at hand; counts down `times`."""
        mode = self.mode
        if mode.times is not None:
            self.mode = mode.model_copy(update={"times": mode.times - 1}) if mode.times > 1 else Mode()
        await asyncio.sleep(mode.delay_s)
        if mode.behaviour is Behaviour.FAIL:
            raise HTTPException(500, "the provider is broken at the moment")
        if mode.behaviour is Behaviour.LIMIT:
            raise HTTPException(429, "too many messages", headers={"Retry-After": str(mode.retry_after_s)})
        return mode.behaviour

    def _schedule(self, entry: dict[str, Any]) -> None:
        if entry["callback_url"] is not None:
            task = asyncio.get_running_loop().create_task(self._send_receipt(entry))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send_receipt(self, entry: dict[str, Any]) -> None:
        secret = self._settings.sms_webhook_secret.get_secret_value()
        for attempt in range(_RECEIPT_ATTEMPTS):
            await asyncio.sleep(self._settings.receipt_delay_s * 2**attempt)
            body = {"id": entry["id"], "reference": entry["reference"], "status": entry["status"], "at": now()}
            status = await call_back(entry["callback_url"], secret, f"receipt_{entry['id']}", body)
            if status is not None and status < 300:
                self._receipts.append({"id": entry["id"], "at": body["at"]})
                return


def build_app(settings: SmsSettings) -> FastAPI:
    provider = Provider(settings)

    @asynccontextmanager
    async def resume(_: FastAPI) -> AsyncIterator[None]:
        provider.send_due_receipts()
        yield

    app = FastAPI(title="SMS peer", lifespan=resume)

    def customer(authorization: Annotated[str, Header()] = "") -> None:
        expected = f"Bearer {settings.sms_token.get_secret_value()}"
        if not secrets.compare_digest(authorization.encode(), expected.encode()):
            raise HTTPException(401, "unknown token")

    @app.post("/messages", status_code=202, dependencies=[Depends(customer)])
    async def send(sms: Sms, idempotency_key: Annotated[str, Header(min_length=1)]) -> dict[str, Any]:
        """Accepts a message; the same key again gives the same id and sends nothing."""
        behaviour = await provider.misbehave()
        status = "undelivered" if behaviour is Behaviour.UNREACHABLE_PHONE else "delivered"
        accepted = provider.accept(sms, idempotency_key, status)
        return {"id": accepted["id"], "parts": accepted["parts"]}

    @app.get("/messages")
    async def list_messages(to: str | None = None) -> list[dict[str, Any]]:
        """In order of arrival, with `received_at` and, once the receipt is confirmed, `receipt_at`."""
        return provider.list(to)

    @app.get("/duplicates")
    async def count_duplicates() -> dict[str, int]:
        """How often a key came again since the start."""
        return {"count": provider.duplicates}

    @app.delete("/messages", status_code=204)
    async def delete_messages() -> None:
        provider.clear()

    @app.get("/mode")
    async def get_mode() -> Mode:
        return provider.mode

    @app.put("/mode")
    async def set_mode(mode: Mode) -> Mode:
        provider.mode = mode
        return mode

    return app


def count_parts(text: str) -> int:
    """How many messages a phone network makes of it (3GPP TS 23.038): 160 or 153 GSM septets, else 70 or 67 UTF-16."""
    if set(text) <= _GSM | _GSM_DOUBLE:
        length, single, joined = sum(2 if char in _GSM_DOUBLE else 1 for char in text), 160, 153
    else:
        length, single, joined = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= single else -(-length // joined)


def main() -> None:
    settings = SmsSettings()
    serve(build_app(settings), settings)


if __name__ == "__main__":
    main()
