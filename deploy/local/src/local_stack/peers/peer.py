"""What all peers share: settings from the environment, a journal on disk, an HTTP server, signed calls back."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException, Request
from pydantic_settings import BaseSettings, SettingsConfigDict
from standardwebhooks import Webhook, WebhookVerificationError

from contracts.kit.authorities import trusted_authorities
from local_stack.ports import HOST


class PeerSettings(BaseSettings):
    """Read from `HTTP_PORT` and `PEER_FOLDER`; a peer adds its own."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    http_port: int
    peer_folder: Path


class Journal:
    """Entries that survive a kill: one JSON line each, appended before it is answered."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.entries: list[dict[str, Any]] = [json.loads(line) for line in _whole_lines(path)]

    def append(self, entry: dict[str, Any]) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        self.entries.append(entry)

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)
        self.entries.clear()


def serve(app: FastAPI, settings: PeerSettings) -> None:
    """Serves until the process is asked to end. No access log: paths and queries hold addresses."""
    app.include_router(_health)
    uvicorn.run(app, host=HOST, port=settings.http_port, access_log=False, log_level="warning")


def now() -> str:
    return datetime.now(UTC).isoformat()


async def call_back(url: str, secret: str, message_id: str, body: Mapping[str, object]) -> int | None:
    """POSTs `body` signed as Standard Webhooks asks; returns the status code, or None without an answer."""
    text = json.dumps(body)
    headers = {"content-type": "application/json"} | signature(secret, message_id, text)
    try:
        async with httpx.AsyncClient(timeout=10, verify=trusted_authorities()) as client:
            return (await client.post(url, content=text, headers=headers)).status_code
    except httpx.TransportError:
        return None


def signature(secret: str, message_id: str, text: str) -> dict[str, str]:
    """The headers that Standard Webhooks asks for, at this moment."""
    sent_at = datetime.fromtimestamp(int(time.time()), UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, sent_at, text),
    }


async def signed_body(request: Request, secret: str) -> dict[str, Any]:
    """The JSON body of a request that its sender has signed with the secret; 401 for others."""
    body = await request.body()
    try:
        Webhook(secret).verify(body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        raise HTTPException(401, "the signature is missing, wrong, or too old") from error
    found: dict[str, Any] = json.loads(body)
    return found


_health = APIRouter()


@_health.get("/health/ready")
def ready() -> dict[str, str]:
    return {"status": "ready"}


def _whole_lines(path: Path) -> list[str]:
    """A line that a kill cut short was never answered for."""
    if not path.exists():
        return []
    whole, newline, _ = path.read_text().rpartition("\n")
    path.write_text(whole + newline)
    return whole.splitlines()
