"""A tenant whose deals wait in every way there is, begun one after the other before, during and after an update."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from chaos.callers import Caller
from local_stack.apply import Services, apply, read
from local_stack.stack import Stack
from support.waiting import eventually

DOCUMENTS = Path(__file__).parent / "documents"
EVERY_S = 1.5
ENDS = ("chained", "delayed", "paused", "approved")
"""A task of each for every deal."""
BLOCKS = {"breath": "pause", "signature": "assignment", "delayed": "delay"}
ENDED_S = 900.0
ANY = {"If-Match": "*"}


@dataclass(frozen=True, kw_only=True)
class Waits:
    """`begun` are the ids of deals."""

    seller: Caller
    responsible: str
    """The employee's id whom tasks are for."""
    begun: list[str] = field(default_factory=list)

    async def begin(self, until: asyncio.Event) -> None:
        while not until.is_set():
            key = str(uuid4())
            body = {"kind": "deal", "pipeline": "waits", "title": f"Deal {key}", "responsible_id": self.responsible}
            self.begun.append(str((await self.seller.post("entity-service", "/v1/items", body, key))["id"]))
            await asyncio.sleep(EVERY_S)

    async def kinds(self) -> Mapping[str, int]:
        """How many rules and blocks wait at this moment, by kind of wait."""
        found = Counter[str]()
        async for one in self.seller.list("rule-engine", "/v1/runs", state="waiting"):
            name = str(one["name"])
            found[BLOCKS.get(name, name)] += 1
        found["result"] = len([one async for one in self.seller.list("rule-engine", "/v1/runs", state="running")])
        found["chain"] = len([one async for one in self.seller.list("rule-engine", "/v1/runs", state="planned")])
        return found

    async def end(self) -> list[str]:
        """Signs what is to be signed, waits until nothing waits, and returns what is not there exactly once."""
        await eventually(self._sign_all, "every deal to be signed", ENDED_S)
        await eventually(self._nothing_waits, "every wait to end", ENDED_S)
        found = Counter([one async for one in self._effects()])
        expected = [(deal, end) for deal in self.begun for end in (*ENDS, "document")]
        return [
            f"deal {deal}: {end}: {found[deal, end]} times, not once" for deal, end in expected if found[deal, end] != 1
        ]

    async def _sign_all(self) -> bool:
        async for one in self.seller.list("rule-engine", "/v1/assignments", everybody="true", state="open"):
            path = f"/v1/assignments/{one['id']}/answer"
            await self.seller.send("POST", "rule-engine", path, [409, 412], json={"choice": "approve"}, headers=ANY)
        answered = self.seller.list("rule-engine", "/v1/assignments", everybody="true", state="answered")
        return len([one async for one in answered]) >= len(self.begun)

    async def _nothing_waits(self) -> bool:
        return not sum((await self.kinds()).values())

    async def _effects(self) -> AsyncIterator[tuple[str, str]]:
        """Each with its deal's id."""
        async for one in self.seller.list("entity-service", "/v1/tasks"):
            yield one["item_id"], one["name"].partition(" ")[0]
        async for one in self.seller.list("doc-service", "/v1/documents"):
            if one["status"] == "ready":
                yield one["item_id"], "document"


async def open_waits(stack: Stack, life: AsyncExitStack) -> Waits:
    """A new tenant; `life` closes its caller. Raises ApplyError or StackError."""
    tenant = uuid4()
    with closing(Services(stack.addresses, stack.credentials, tenant, sub="owner")) as services:
        answers = apply(read(DOCUMENTS, {}), services, lambda _, __: None)
    token = stack.credentials.token(["agent", "operator"], tenant, "owner")
    seller = await life.enter_async_context(Caller(stack.addresses, token))
    return Waits(seller=seller, responsible=str(answers["employee/head"]["id"]))
