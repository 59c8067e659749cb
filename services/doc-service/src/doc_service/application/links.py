"""Makes public links: for commands when their document is ready, and for people who ask for one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from contracts.kit.clock import Clock
from contracts.kit.database import Connection
from doc_service.domain.documents import Document
from doc_service.domain.links import Link, token_hash
from doc_service.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """`base` is where clients reach the service; `days` how long links open unless a request says otherwise."""

    store: Store
    base: str
    days: int
    clock: Clock
    new_token: Callable[[], str]

    async def open(self, tx: Connection, document: Document, days: int | None, by: str) -> tuple[str, Link]:
        """A new link: its address, which is not kept anywhere here, and what is kept of it."""
        token, now = self.new_token(), self.clock()
        link = Link(
            token_hash=token_hash(token),
            tenant=document.tenant,
            document=document.id,
            created_at=now,
            created_by=by,
            expires_at=now + timedelta(days=days or self.days),
        )
        await self.store.links.add(tx, link)
        return f"{self.base.rstrip('/')}/d/{token}", link

    async def for_command(self, tx: Connection, document: Document) -> str | None:
        """The address of a new link, if the document's command wants one."""
        if not document.public_link:
            return None
        address, _ = await self.open(tx, document, document.link_days, document.created_by)
        return address
