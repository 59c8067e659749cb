"""What people may do with workflows, by the newest published version of each."""

from contracts.kit.auth import Caller, Role
from contracts.kit.database import Connection
from rule_engine.domain.errors import EngineError
from rule_engine.domain.execution.permissions import Permissions, Right, RoleName
from rule_engine.store.workflows import Workflows


class ForbiddenError(EngineError):
    """Somebody may not do this; the text says what is missing, for people."""


async def demand(tx: Connection, workflows: Workflows, who: Caller, code: str, right: Right) -> None:
    """Raises `ForbiddenError`. Of a workflow that was never published there is nothing to forbid."""
    permissions = (await workflows.permissions(tx, who.tenant, code)).get(code)
    if permissions is not None and (refusal := _refusal(permissions, who, code, right)):
        raise ForbiddenError(refusal)


async def hidden(tx: Connection, workflows: Workflows, who: Caller) -> list[str]:
    """The codes of the workflows whose runs they may not see."""
    all_of_them = await workflows.permissions(tx, who.tenant)
    return [code for code, permissions in all_of_them.items() if _refusal(permissions, who, code, "see")]


def _refusal(permissions: Permissions, who: Caller, code: str, right: Right) -> str | None:
    def has(role: RoleName) -> bool:
        return who.has(Role(role))

    return permissions.refusal(right, code, who.subject, has)
