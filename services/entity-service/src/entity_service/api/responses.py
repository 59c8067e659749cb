"""What the routes of several nouns have in common: who acts, answers, the domain's errors as problem documents."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from contracts.kit.auth import Caller
from contracts.kit.database import Connection
from contracts.kit.http import Problem, bad_input, conflict, etag, json_response, not_found
from contracts.kit.routes import found
from contracts.kit.service import Service
from entity_service import store
from entity_service.domain.errors import ConflictError, EntityError, InvalidError, NotFoundError
from entity_service.domain.items import Item
from entity_service.messages import Actor


def install_errors(app: FastAPI) -> None:
    """Makes the domain's errors problem documents."""
    app.add_exception_handler(EntityError, _on_entity_error)


async def _on_entity_error(_: Request, error: Exception) -> Response:
    return _problem(error).response()


def _problem(error: Exception) -> Problem:
    if isinstance(error, NotFoundError):
        return not_found(error.what)
    if isinstance(error, InvalidError):
        return bad_input("some values are not acceptable", *error.errors)
    if isinstance(error, ConflictError):
        return conflict(str(error))
    raise error


def actor_of(caller: Caller) -> Actor:
    return Actor(by=caller.subject)


async def create_once(
    service: Service, request: Request, caller: Caller, do: Callable[[Connection], Awaitable[Response]]
) -> Response:
    """A POST that may be sent twice with the same `Idempotency-Key`."""
    return await service.idempotency.once(request, tenant=caller.tenant, subject=caller.subject, do=do)


def created(model: BaseModel) -> Response:
    return json_response(model, 201)


def item_answer(item: Item, status: int = 200) -> Response:
    """The item with its version as entity tag."""
    return json_response(item.snapshot(), status, {"etag": etag(item.version)})


def check_version(item: Item, seen: int | None) -> None:
    """Raises 412 when the caller has seen another version than there is; null matches any."""
    if seen is not None and seen != item.version:
        detail = f"the item is at version {item.version} now: read it again and decide anew"
        raise Problem(412, "Precondition failed", detail, headers={"ETag": etag(item.version)})


async def find_item(tx: Connection, caller: Caller, id: UUID) -> Item:
    """Raises 404."""
    return found(await store.items.find(tx, caller.tenant, id), f"item {id}")
