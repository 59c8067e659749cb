"""A payment provider: makes links, at whose pages people pay; and notifies a service, signed and more than once.

A service asks for a link, signed, with an idempotency key; the page shows the amount and takes the money once.
"""

import asyncio
import json
from datetime import UTC, datetime
from html import escape
from secrets import token_urlsafe
from typing import Annotated, Any
from uuid import NAMESPACE_URL, uuid5

from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.responses import HTMLResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from local_stack.peers.peer import Journal, PeerSettings, call_back, serve, signed_body
from local_stack.ports import HOST


class PaymentSettings(PeerSettings):
    payment_secret: SecretStr | None = None
    payment_callback_url: str | None = None


class Payment(BaseModel):
    """The customer pays `amount` minor units; the provider then calls back `times` times."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[int, Field(gt=0)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    paid_at: AwareDatetime | None = None
    times: Annotated[int, Field(ge=1, le=20)] = 2
    at_once: bool = False
    """All calls at the same moment instead of one after another."""
    callback_url: str | None = None
    secret: SecretStr | None = None


class Asked(BaseModel):
    """What a service asks a link for; `amount` in minor units."""

    payment_id: str
    amount: Annotated[int, Field(gt=0)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    description: str
    expires_at: AwareDatetime
    callback_url: str


class Links:
    """Links by their id, which is in their address; each is paid at most once."""

    def __init__(self, settings: PaymentSettings) -> None:
        self._made = Journal(settings.peer_folder / "links.jsonl")
        self._paid = Journal(settings.peer_folder / "paid.jsonl")
        self._secret = settings.payment_secret.get_secret_value() if settings.payment_secret else ""
        self._url = f"http://{HOST}:{settings.http_port}"

    async def make(self, request: Request, key: str) -> dict[str, Any]:
        """The same key gives the stored answer and makes nothing."""
        asked = Asked.model_validate(await signed_body(request, self._secret))
        known = next((one for one in self._made.entries if one["key"] == key), None)
        if known is None:
            known = {"key": key, "id": token_urlsafe(16), "asked": asked.model_dump(mode="json")}
            self._made.append(known)
        return {"id": known["id"], "link": f"{self._url}/pay/{known['id']}"}

    def all(self) -> list[dict[str, Any]]:
        return self._made.entries

    def find(self, id: str) -> Asked:
        found = next((one for one in self._made.entries if one["id"] == id), None)
        if found is None:
            raise HTTPException(404, "there is no such link")
        return Asked.model_validate(found["asked"])

    def is_paid(self, id: str) -> bool:
        return any(one["id"] == id for one in self._paid.entries)

    async def pay(self, id: str) -> None:
        """Takes the money unless it is taken or the link has ended; tells it twice, each time it is asked."""
        asked = self.find(id)
        if not self.is_paid(id):
            if asked.expires_at <= datetime.now(UTC):
                return
            self._paid.append({"id": id, "at": datetime.now(UTC).isoformat()})
        at = next(one["at"] for one in self._paid.entries if one["id"] == id)
        order = Payment(amount=asked.amount, currency=asked.currency, paid_at=datetime.fromisoformat(at))
        body = _notice(asked.payment_id, order)
        for _ in range(2):
            await call_back(asked.callback_url, self._secret, f"payment_{id}", body)

    def page(self, id: str) -> HTMLResponse:
        """What whoever opens the link sees."""
        asked = self.find(id)
        money = f"<p>{asked.currency} {asked.amount} (minor units)</p>"
        if self.is_paid(id):
            return _page(asked, f"{money}<p>This is paid. Thank you.</p>")
        if asked.expires_at <= datetime.now(UTC):
            return _page(asked, "<p>This link has expired. Please ask for another one.</p>", 410)
        return _page(asked, f"{money}<form method='post'><button>Pay</button></form>")


def _page(asked: Asked, body: str, status: int = 200) -> HTMLResponse:
    title = escape(asked.description)
    head = f"<!doctype html><meta charset='utf-8'><title>{title}</title>"
    return HTMLResponse(f"{head}<h1>{title}</h1>{body}", status)


def build_app(settings: PaymentSettings) -> FastAPI:
    app = FastAPI(title="Payment peer")
    calls = Journal(settings.peer_folder / "calls.jsonl")
    _serve_links(app, Links(settings))

    @app.post("/payments/{payment_id}/pay")
    async def pay(payment_id: str, payment: Payment) -> dict[str, Any]:
        """Answers with each call's status code; null without an answer."""
        url = payment.callback_url or settings.payment_callback_url
        secret = payment.secret or settings.payment_secret
        if url is None or secret is None:
            raise HTTPException(422, "give `callback_url` and `secret`, here or in the peer's settings")
        body = _notice(payment_id, payment)
        message_id = f"payment_{uuid5(NAMESPACE_URL, json.dumps(body))}"
        pending = [call_back(url, secret.get_secret_value(), message_id, body) for _ in range(payment.times)]
        codes = await asyncio.gather(*pending) if payment.at_once else [await call for call in pending]
        calls.append({"body": body, "calls": codes})
        return {"sent": body, "calls": codes}

    @app.get("/payments")
    async def list_payments() -> list[dict[str, Any]]:
        return calls.entries

    return app


def _serve_links(app: FastAPI, links: Links) -> None:
    @app.post("/payments", status_code=201)
    async def make_link(request: Request, idempotency_key: Annotated[str, Header(min_length=1)]) -> dict[str, Any]:
        """A link for a signed request; the same key again gives the same."""
        return await links.make(request, idempotency_key)

    @app.get("/links")
    async def list_links() -> list[dict[str, Any]]:
        """In the order in which they were made."""
        return links.all()

    @app.get("/pay/{id}")
    async def show(id: str) -> HTMLResponse:
        return links.page(id)

    @app.post("/pay/{id}")
    async def pay(id: str) -> HTMLResponse:
        await links.pay(id)
        return links.page(id)


def _notice(payment_id: str, payment: Payment) -> dict[str, object]:
    paid_at = payment.paid_at or datetime.now(UTC)
    return {
        "payment_id": payment_id,
        "status": "paid",
        "amount": payment.amount,
        "currency": payment.currency,
        "paid_at": paid_at.isoformat(),
        "reference": f"transfer-{uuid5(NAMESPACE_URL, payment_id)}",
        "method": "card",
    }


def main() -> None:
    settings = PaymentSettings()
    serve(build_app(settings), settings)


if __name__ == "__main__":
    main()
