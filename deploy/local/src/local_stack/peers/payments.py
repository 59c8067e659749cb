"""A payment provider: on demand it notifies a service, signed and more than once, of a payment."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import NAMESPACE_URL, uuid5

from fastapi import FastAPI, HTTPException
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from local_stack.peers.peer import Journal, PeerSettings, call_back, serve


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


def build_app(settings: PaymentSettings) -> FastAPI:
    app = FastAPI(title="Payment peer")
    calls = Journal(settings.peer_folder / "calls.jsonl")

    @app.post("/payments/{payment_id}/pay")
    async def pay(payment_id: str, payment: Payment) -> dict[str, Any]:
        """Answers with each call's status code; null without an answer."""
        url = payment.callback_url or settings.payment_callback_url
        secret = payment.secret or settings.payment_secret
        if url is None or secret is None:
            raise HTTPException(422, "give `callback_url` and `secret`, here or in the peer's settings")
        body = _notice(payment_id, payment)
        message_id = f"payment_{uuid5(NAMESPACE_URL, payment_id)}"
        pending = [call_back(url, secret.get_secret_value(), message_id, body) for _ in range(payment.times)]
        codes = await asyncio.gather(*pending) if payment.at_once else [await call for call in pending]
        calls.append({"body": body, "calls": codes})
        return {"sent": body, "calls": codes}

    @app.get("/payments")
    async def list_payments() -> list[dict[str, Any]]:
        return calls.entries

    return app


def _notice(payment_id: str, payment: Payment) -> dict[str, object]:
    paid_at = payment.paid_at or datetime.now(UTC)
    return {
        "payment_id": payment_id,
        "status": "paid",
        "amount": payment.amount,
        "currency": payment.currency,
        "paid_at": paid_at.isoformat(),
        "reference": f"transfer-{uuid5(NAMESPACE_URL, payment_id)}",
    }


def main() -> None:
    settings = PaymentSettings()
    serve(build_app(settings), settings)


if __name__ == "__main__":
    main()
