"""What authors define: each definition is put as a whole under its code."""

from typing import Any

from contracts.kit import configuration
from contracts.kit.auth import Caller
from contracts.kit.database import Connection
from contracts.kit.quotas import Quota, check


async def record_put(  # noqa: PLR0913 - the parts of a change
    tx: Connection, caller: Caller, kind: str, code: str, before: Any, wanted: Any, *, quota: Quota
) -> None:
    """What every PUT of a code does in the transaction that writes: counts a new definition, records the change.

    `before` is what has the code now. Raises `OverQuotaError` when there is nothing yet and the quota is used up.
    """
    if before is None:
        await check(tx, caller.tenant, quota)
    await configuration.record(tx, caller, kind, code, before, wanted)
