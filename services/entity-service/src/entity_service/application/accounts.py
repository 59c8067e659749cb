"""Which account at a provider is meant, and what is recorded to be asked of it."""

from uuid import UUID

from contracts.kit import worker
from contracts.kit.clock import Clock
from contracts.kit.database import Connection
from entity_service import store
from entity_service.domain.accounts import WORK, Account, AccountKind, Action, Request
from entity_service.domain.errors import InvalidError

_WHERE = {"payment": "PUT /v1/payment-accounts/{code}", "carrier": "PUT /v1/carriers/{code}"}
_CALLED = {"payment": "payment account", "carrier": "carrier"}
_PARAMETER = {"payment": "account", "carrier": "carrier"}


class Accounts:
    """Finds accounts and records requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def usable(self, tx: Connection, tenant: UUID, kind: AccountKind, code: str | None) -> Account:
        """The account of this code, or the tenant's first one. Raises `InvalidError`."""
        if code is None:
            found = await store.accounts.first(tx, tenant, kind)
            problem = f"there is no {_CALLED[kind]}: {_WHERE[kind]}"
        else:
            found = await store.accounts.find(tx, tenant, kind, code)
            problem = f"there is no {_CALLED[kind]} {code!r}: {_WHERE[kind]}, or name another one"
        if found is None:
            raise InvalidError((_PARAMETER[kind], problem))
        if found.archived:
            raise InvalidError((_PARAMETER[kind], f"the {_CALLED[kind]} {code!r} is archived: name another one"))
        if found.provider is None:
            raise InvalidError((_PARAMETER[kind], f"the {_CALLED[kind]} {code!r} only reports: name another one"))
        return found

    async def request(self, tx: Connection, account: Account, command: UUID, action: Action, subject: UUID) -> None:
        """Records what a command wants of the account's provider; a worker asks for it, then answers the command."""
        await store.accounts.add_request(tx, Request(account.tenant_id, command, action, subject))
        await worker.enqueue(tx, id=command, tenant=account.tenant_id, kind=WORK[account.kind], run_at=self._clock())
