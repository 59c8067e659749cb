"""Other services over HTTP: fresh contexts of items, what a tenant's authors can refer to, triggers."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.asking import Found, Key, TooLarge, ask_contexts
from contracts.contexts import ItemContext, Part, StageItems, TenantSchema
from contracts.kit.batching import BatchLoader
from contracts.kit.broker import OutageError
from contracts.kit.client import ServiceClient, ServiceRefusalError
from contracts.named import ChannelName, TenantChannels, TenantTemplates
from contracts.triggers import TenantTriggers, TriggerPlace
from rule_engine.domain.errors import EngineError
from rule_engine.domain.schedule.due import Times, times_in, times_of
from rule_engine.settings import Settings

SETTINGS_FOR_S = 30.0
"""How long a tenant's clock and calendar are kept; they change a few times in a year."""
CONTEXTS_AT_ONCE = 4
"""Requests for contexts under way; what is due meanwhile goes with the next."""


type _Wanted = tuple[UUID, UUID, tuple[Part, ...] | None]
"""Tenant, item, parts."""


class ContextTooLargeError(EngineError):
    """An item's context is larger than an answer may be; the text says so, for people."""


@dataclass(frozen=True, slots=True)
class TimesOf:
    """Clocks and calendars as they were fetched for a batch: by tenant, and by item where its people matter."""

    companies: Mapping[UUID, Times]
    people: Mapping[tuple[UUID, UUID], Times]

    def of(self, tenant: UUID, item: UUID) -> Times:
        return self.people.get((tenant, item)) or self.companies[tenant]


class EntityService:
    """Every method raises `OutageError` when entity-service does not answer as it should, but for `times`."""

    def __init__(self, settings: Settings) -> None:
        self._client = ServiceClient("entity-service", settings.entity_service_url, settings.service_tokens_dir)
        self._fresh = BatchLoader(self._ask_contexts, at_once=CONTEXTS_AT_ONCE)
        self._companies: dict[UUID, tuple[float, Times]] = {}

    async def close(self) -> None:
        await self._client.close()

    async def context(self, tenant: UUID, item: UUID, parts: Sequence[Part] | None) -> ItemContext | None:
        """The item with its surroundings now; null when it does not exist (any more). Raises `ContextTooLargeError`."""
        try:
            found = await self._fresh.get((tenant, item, None if parts is None else tuple(parts)))
        except ServiceRefusalError as error:
            raise OutageError(str(error)) from error
        if isinstance(found, TooLarge):
            raise ContextTooLargeError(found.reason)
        return found

    async def _ask_contexts(self, wanted: Sequence[_Wanted]) -> dict[_Wanted, Found]:
        """Runs that are due together ask together."""
        by_parts: dict[tuple[Part, ...] | None, list[tuple[UUID, UUID]]] = {}
        for tenant, item, parts in wanted:
            by_parts.setdefault(parts, []).append((tenant, item))
        return {
            (*key, parts): found
            for parts, items in by_parts.items()
            for key, found in (await self._contexts(items, parts)).items()
        }

    async def _contexts(self, items: Iterable[Key], parts: Sequence[Part] | None) -> dict[Key, Found]:
        return await ask_contexts(self._client, items, parts)

    async def contexts(
        self, tenant: UUID, items: Iterable[UUID], parts: Sequence[Part] | None = None
    ) -> dict[UUID, ItemContext]:
        """Items with parts of what is around them (null: all), without those that do not exist or are too large."""
        try:
            found = await self._contexts(((tenant, item) for item in items), parts)
        except ServiceRefusalError as error:
            raise OutageError(str(error)) from error
        return {item: context for (_, item), context in found.items() if isinstance(context, ItemContext)}

    async def schema(self, tenant: UUID) -> TenantSchema:
        """What authors of the tenant can refer to."""
        try:
            return await self._schema(tenant)
        except ServiceRefusalError as error:
            raise OutageError(str(error)) from error

    async def _schema(self, tenant: UUID) -> TenantSchema:
        schema = TenantSchema.model_validate_json(await self._client.ask("GET", f"/internal/schema/{tenant}"))
        self._companies[tenant] = (time.monotonic(), times_of(schema.tenant))
        return schema

    async def in_stage(self, tenant: UUID, pipeline: str, stage: str, *, after: UUID | None, limit: int) -> StageItems:
        """Items that are in a stage now, by id, those after `after`; the first page says how many there are."""
        asked: dict[str, str | int] = {"tenant": str(tenant), "pipeline": pipeline, "stage": stage, "limit": limit}
        params = asked if after is None else asked | {"after": str(after)}
        return StageItems.model_validate_json(
            await _ask(self._client, "GET", "/internal/items/in-stage", params=params)
        )

    async def times(self, tenants: Collection[UUID], items: Iterable[tuple[UUID, UUID]]) -> TimesOf:
        """Those of tenants, and of the people of items (tenant, id).


        Raises `OutageError` while entity-service is away, `ServiceRefusalError` when it refuses to tell them.
        """
        companies = {tenant: await self._times_of_company(tenant) for tenant in tenants}
        found = await self._contexts(items, ("contacts", "responsible"))
        people = {key: times_in(context) for key, context in found.items() if isinstance(context, ItemContext)}
        return TimesOf(companies, people)

    async def _times_of_company(self, tenant: UUID) -> Times:
        asked_at, known = self._companies.get(tenant, (0.0, None))
        if known is not None and time.monotonic() - asked_at <= SETTINGS_FOR_S:
            return known
        return times_of((await self._schema(tenant)).tenant)


class TriggerService:
    """Knows where triggers take items."""

    def __init__(self, settings: Settings) -> None:
        url, tokens = settings.trigger_service_url, settings.service_tokens_dir
        self._client = None if url is None else ServiceClient("trigger-service", url, tokens)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def triggers(self, tenant: UUID) -> tuple[TriggerPlace, ...]:
        """All triggers in use. Raises `OutageError` when trigger-service cannot be asked."""
        if self._client is None:
            raise OutageError("the address of trigger-service is not set (TRIGGER_SERVICE_URL)")
        answer = await _ask(self._client, "GET", f"/internal/triggers/{tenant}")
        return TenantTriggers.model_validate_json(answer).triggers


class NamedThings:
    """Knows what rules name of other services: doc-service's templates, comms-service's channels."""

    def __init__(self, settings: Settings) -> None:
        tokens = settings.service_tokens_dir
        urls = {"doc-service": settings.doc_service_url, "comms-service": settings.comms_service_url}
        self._clients = {name: ServiceClient(name, url, tokens) for name, url in urls.items() if url is not None}

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    async def templates(self, tenant: UUID) -> tuple[str, ...]:
        """Codes of the templates in use. Raises `OutageError` when doc-service cannot be asked."""
        answer = await self._ask("doc-service", f"/internal/templates/{tenant}")
        return TenantTemplates.model_validate_json(answer).templates

    async def channels(self, tenant: UUID) -> tuple[ChannelName, ...]:
        """The channels in use. Raises `OutageError` when comms-service cannot be asked."""
        answer = await self._ask("comms-service", f"/internal/channels/{tenant}")
        return TenantChannels.model_validate_json(answer).channels

    async def _ask(self, service: str, path: str) -> bytes:
        if service not in self._clients:
            raise OutageError(f"the address of {service} is not set ({service.replace('-', '_').upper()}_URL)")
        return await _ask(self._clients[service], "GET", path)


async def _ask(
    client: ServiceClient,
    method: str,
    path: str,
    body: str | None = None,
    params: Mapping[str, str | int] | None = None,
) -> bytes:
    try:
        return await client.ask(method, path, body=body, params=params)
    except ServiceRefusalError as error:
        raise OutageError(str(error)) from error
