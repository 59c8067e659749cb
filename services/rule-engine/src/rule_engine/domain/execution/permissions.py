"""Who may start a workflow by hand, act on its runs, and see them."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

type Right = Literal["start", "operate", "see"]
type RoleName = Literal["viewer", "agent", "author", "operator", "admin"]

_WORDS: dict[Right, str] = {"start": "to start it", "operate": "to act on its runs", "see": "to see its runs"}


class Allowed(BaseModel):
    """People with a role or one above it, and single employees; admins always."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: RoleName = "admin"
    employees: Annotated[tuple[str, ...], Field(max_length=1_000)] = ()
    """Codes, or ids; in a program ids."""


class Permissions(BaseModel):
    """Whom the rights are for. Those of the newest published version hold, also for runs of earlier ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Allowed = Allowed(role="operator")
    """By hand; what starts by itself or by a rule asks nobody."""
    operate: Allowed = Allowed(role="operator")
    """Terminate, suspend, resume, tell events, move, retry and skip blocks."""
    see: Allowed = Allowed(role="viewer")
    """Runs with their journals and decisions."""

    def refusal(self, right: Right, code: str, subject: str, has: Callable[[RoleName], bool]) -> str | None:
        """Why somebody, with the roles that they have, has no such right; null: they have it."""
        allowed: Allowed = getattr(self, right)
        if has(allowed.role) or subject in allowed.employees:
            return None
        what = f"this needs the role {allowed.role}"
        if allowed.employees:
            what += f", or to be one of the employees whom workflow {code!r} allows {_WORDS[right]}"
        return what


DEFAULT = Permissions()
