"""Where the token of a public address leads."""

from contracts.kit import telemetry
from contracts.kit.database import Database
from contracts.kit.routes import found
from trigger_service.store import public_addresses
from trigger_service.store.public_addresses import Address, Kind
from trigger_service.tokens import hash_token


async def find_place(database: Database, kind: Kind, token: str, what: str) -> Address:
    """Raises 404 that names `what`."""
    async with database.transaction() as tx:
        place = found(await public_addresses.find(tx, kind, hash_token(token)), what)
    telemetry.note(tenant_id=place.tenant)
    return place
