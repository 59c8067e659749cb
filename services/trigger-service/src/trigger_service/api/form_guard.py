"""What a submission of a form must pass before it is accepted: a limit per address, a nonce, perhaps a challenge."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Request

from contracts.kit.clock import Clock
from contracts.kit.database import Database
from contracts.kit.limits import network
from trigger_service.domain.answers import NONCE
from trigger_service.domain.errors import TooSoonError
from trigger_service.domain.forms import Form
from trigger_service.gateways.challenge import FIELDS, Challenge
from trigger_service.gateways.nonces import Nonces
from trigger_service.intake.limits import SubmissionLimits

MAX_NONCE = 400


@dataclass(frozen=True, slots=True)
class FormGuard:
    """`challenge` null: visitors need not show that they are human."""

    database: Database
    clock: Clock
    limits: SubmissionLimits
    nonces: Nonces
    challenge: Challenge | None

    async def count(self, request: Request, tenant: UUID, form: Form) -> TooSoonError | None:
        """Counts a post of this address, in a transaction of its own: what is refused later counts too."""
        async with self.database.transaction(tenant) as tx:
            return await self.limits.count(tx, form, network(request), self.clock())

    def new_nonce(self, form: Form) -> str:
        return self.nonces.issue(form.token, self.clock())

    def nonce_of(self, form: Form, body: dict[str, Any]) -> str:
        """The id of the nonce that a body carries. Raises `NonceError`, `TooSoonError`."""
        return self.nonces.read(form.token, _text(body.get(NONCE)), self.clock())

    def next_nonce(self, form: Form, body: dict[str, Any]) -> str:
        """For sending it once more: the same one as long as it can be used."""
        return self.nonces.renewed(form.token, _text(body.get(NONCE)), self.clock())

    async def verify(self, request: Request, body: dict[str, Any]) -> None:
        """Raises `ChallengeUnsolvedError`, `ChallengeAwayError`."""
        if self.challenge is not None:
            address = request.client.host if request.client else ""
            await self.challenge.verify(body.get(self.challenge.widget.field), address)

    def answers_of(self, form: Form, body: dict[str, Any]) -> dict[str, Any]:
        """What is left of a body: the form's own fields, and those that it does not have."""
        ours = {NONCE, form.spec.honeypot} | (FIELDS if self.challenge else frozenset())
        return {name: value for name, value in body.items() if name not in ours}


def _text(nonce: Any) -> str | None:
    return nonce if isinstance(nonce, str) and len(nonce) <= MAX_NONCE else None
