"""`/v1/payment-accounts` and `/v1/carriers`: the tenant's accounts at providers. Archived, never deleted."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from fastapi import APIRouter, Response
from pydantic import BaseModel, SecretStr

from contracts.inputs import Input
from contracts.issues import unknown
from contracts.kit.auth import Caller, Role, require
from contracts.kit.definitions import record_put
from contracts.kit.http import Page, bad_input
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.kit.signatures import MIN_SECRET, is_secret
from contracts.kit.vault import Vault
from contracts.values import Code
from entity_service import store
from entity_service.domain.accounts import Account, AccountFields, AccountKind
from entity_service.messages import callback
from entity_service.quotas import DEFINITIONS


class AccountInput(AccountFields, Input):
    """An account. `secret` (Standard Webhooks, `whsec_…`) is written only; left out, the former one stays."""

    secret: SecretStr | None = None


class AccountView(BaseModel):
    """An account without its secret. `callback_url` is where its provider reports, and as secret."""

    code: str
    name: str
    provider: str | None
    archived: bool
    callback_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsOf:
    """The accounts of one kind: the names of the providers that may be named, and where providers reach us."""

    kind: AccountKind
    path: str
    providers: Collection[str]
    public_url: str
    vault: Vault


def router(service: Service, accounts: AccountsOf) -> APIRouter:
    """An administrator's."""
    routes = APIRouter(prefix=accounts.path, tags=["providers"])
    kind, noun = accounts.kind, accounts.path.rpartition("/")[2].removesuffix("s").replace("-", " ")

    @routes.put("/{code}", responses={201: {"model": AccountView}})
    async def put_account(
        code: Code, body: AccountInput, response: Response, caller: Caller = require(Role.ADMIN)
    ) -> AccountView:
        """Creates or replaces it; its secret is never answered."""
        _check_provider(body, accounts)
        async with service.database.transaction(caller.tenant) as tx:
            before = await store.accounts.find(tx, caller.tenant, kind, code)
            wanted = Account(
                tenant_id=caller.tenant,
                kind=kind,
                code=code,
                secret=_sealed(body, before, accounts.vault),
                token=secrets.token_urlsafe(32),
                **body.model_dump(exclude={"secret"}),
            )
            was = before and _recorded(before)
            await record_put(tx, caller, noun.replace(" ", "-"), code, was, _recorded(wanted), quota=DEFINITIONS)
            account, created = await store.accounts.save(tx, wanted, token_hash(wanted.token))
        response.status_code = 201 if created else 200
        return _view(account, accounts)

    @routes.get("/{code}")
    async def get_account(code: Code, caller: Caller = require(Role.ADMIN)) -> AccountView:
        async with service.database.transaction(caller.tenant) as tx:
            account = found(await store.accounts.find(tx, caller.tenant, kind, code), f"{noun} {code!r}")
        return _view(account, accounts)

    @routes.get("")
    async def list_accounts(paging: Paged, caller: Caller = require(Role.ADMIN)) -> Page[AccountView]:
        """By code; archived ones too."""
        async with service.database.transaction(caller.tenant) as tx:
            rows = await store.accounts.page(tx, caller.tenant, kind, paging.code, paging.rows)
        return paging.page(rows, lambda one: (one.code,), lambda one: _view(one, accounts))

    return routes


def _check_provider(body: AccountInput, accounts: AccountsOf) -> None:
    if body.provider is None and accounts.kind == "carrier":
        raise bad_input("the account cannot be used", ("provider", "name the one that is asked for shipments"))
    if body.provider is not None and body.provider not in accounts.providers:
        what = unknown("provider", body.provider, accounts.providers, "in this installation")
        raise bad_input("the provider is not known", ("provider", what))


def _sealed(body: AccountInput, former: Account | None, vault: Vault) -> str:
    if body.secret is None and former is not None:
        return former.secret
    if body.secret is None or not is_secret(body.secret):
        wanted = f"whsec_ and the base64 of at least {MIN_SECRET} random bytes"
        raise bad_input("the account cannot be used", ("secret", wanted))
    return vault.seal(body.secret)


def _recorded(account: Account) -> dict[str, object]:
    """A change of the secret shows by its sealed form, which reveals nothing of it."""
    return account.model_dump(include={"name", "provider", "archived", "secret"})


def _view(account: Account, accounts: AccountsOf) -> AccountView:
    known = account.model_dump(include=set(AccountView.model_fields))
    return AccountView(**known, callback_url=callback(accounts.public_url, account))


def token_hash(token: str) -> bytes:
    """SHA-256: the token is random enough that nothing slower is needed."""
    return hashlib.sha256(token.encode()).digest()
