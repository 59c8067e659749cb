"""A carrier: takes shipments by idempotency key, and reports their way, signed and twice, when it is told to."""

from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict, SecretStr

from local_stack.peers.peer import Journal, PeerSettings, call_back, now, serve, signed_body


class CarrierSettings(PeerSettings):
    carrier_secret: SecretStr


class Report(BaseModel):
    """What becomes of a shipment; the carrier then calls `times` times."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["shipped", "delivered", "cancelled"] | None = None
    tracking: str | None = None
    times: int = 2


class Carrier:
    """Its journal has every shipment, change and report."""

    def __init__(self, settings: CarrierSettings) -> None:
        self._journal = Journal(settings.peer_folder / "shipments.jsonl")
        self._secret = settings.carrier_secret.get_secret_value()

    async def take(self, request: Request, key: str) -> dict[str, Any]:
        """The same key gives the stored answer and takes nothing."""
        asked = await signed_body(request, self._secret)
        known = self._known(key)
        if known is None:
            tracking = f"SB-{1 + len(self.all())}"
            known = {"key": key, "id": asked["shipment_id"], "what": "take", "tracking": tracking, "asked": asked}
            self._journal.append(known | {"at": now()})
        return {"id": known["id"], "tracking": known["tracking"]}

    async def change(self, request: Request, id: str, what: str, key: str) -> dict[str, Any]:
        """Refuses to cancel what is on its way."""
        await signed_body(request, self._secret)
        self.find(id)
        if self._known(key) is None:
            if what == "cancel" and any(one["id"] == id and one.get("status") for one in self._journal.entries):
                raise HTTPException(422, "the shipment is on its way")
            self._journal.append({"key": key, "id": id, "what": what, "at": now()})
        return {"id": id}

    async def report(self, id: str, report: Report) -> list[int | None]:
        """The status code of each call; null without an answer."""
        asked = self.find(id)["asked"]
        body = {"shipment_id": id, **report.model_dump(include={"status", "tracking"}, exclude_none=True)}
        self._journal.append({"key": None, "id": id, "what": "report", "status": report.status, "at": now()})
        said = f"shipment_{id}_{len(self._journal.entries)}"
        return [await call_back(asked["callback_url"], self._secret, said, body) for _ in range(report.times)]

    def find(self, id: str) -> dict[str, Any]:
        found = next((one for one in self.all() if one["id"] == id), None)
        if found is None:
            raise HTTPException(404, "there is no such shipment")
        return found

    def all(self) -> list[dict[str, Any]]:
        return [one for one in self._journal.entries if one["what"] == "take"]

    def history(self) -> list[dict[str, Any]]:
        return self._journal.entries

    def _known(self, key: str) -> dict[str, Any] | None:
        return next((one for one in self._journal.entries if one["key"] == key), None)


type Key = Annotated[str, Header(alias="idempotency-key", min_length=1)]


def build_app(settings: CarrierSettings) -> FastAPI:
    app, carrier = FastAPI(title="Carrier peer"), Carrier(settings)

    @app.post("/shipments", status_code=201)
    async def take(request: Request, key: Key) -> dict[str, Any]:
        """Takes a shipment, for a signed request; the same key again gives the same."""
        return await carrier.take(request, key)

    @app.post("/shipments/{id}/report")
    async def report(id: str, report: Report) -> list[int | None]:
        """Lets something become of the shipment, as a person at the carrier's does."""
        return await carrier.report(id, report)

    @app.post("/shipments/{id}/{what}")
    async def change(request: Request, id: str, what: Literal["allow", "cancel"], key: Key) -> dict[str, Any]:
        return await carrier.change(request, id, what, key)

    @app.get("/shipments")
    async def list_shipments() -> list[dict[str, Any]]:
        """Everything that was asked and reported, in its order."""
        return carrier.history()

    return app


def main() -> None:
    settings = CarrierSettings()
    serve(build_app(settings), settings)


if __name__ == "__main__":
    main()
