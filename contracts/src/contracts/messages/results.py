"""The answers to commands, the same for every owner, on `crm.<owner>.results.v1`.

Exactly one final result (`CommandDone`, `CommandRefused`, `CommandFailed`) ends a command; any number of
`CommandProgress` may come before it. A result's id follows from its command and
number (`result_id`), so publishing it again changes nothing.
"""

from typing import ClassVar
from uuid import UUID, uuid5

from pydantic import AwareDatetime, Field, JsonValue

from contracts.envelope import Body


class CommandDone(Body):
    """The command's effect exists. For a message: the provider accepted it."""

    TYPE: ClassVar[str] = "crm.command.done.v1"

    command_id: UUID
    outputs: dict[str, JsonValue] = Field(default_factory=dict)


class CommandRefused(Body):
    """A business reason forbids the effect; there is none. Trying the same again makes no sense."""

    TYPE: ClassVar[str] = "crm.command.refused.v1"

    command_id: UUID
    reason: str


class CommandFailed(Body):
    """The owner could not do it, after its own retries; there is no effect, or none that it can vouch for."""

    TYPE: ClassVar[str] = "crm.command.failed.v1"

    command_id: UUID
    reason: str
    retryable: bool


class CommandProgress(Body):
    """The command is under way: what it waits for, and until when if that is known."""

    TYPE: ClassVar[str] = "crm.command.progress.v1"

    command_id: UUID
    state: str
    until: AwareDatetime | None = None


FinalResult = CommandDone | CommandRefused | CommandFailed
Result = FinalResult | CommandProgress

RESULTS: tuple[type[Body], ...] = (CommandDone, CommandRefused, CommandFailed, CommandProgress)


class CancelCommand(Body):
    """Asks an owner to drop what it has not done yet of a command; sent on the owner's command topic.

    It has no result of its own: what became of the target is said by the target's final result.
    """

    TYPE: ClassVar[str] = "crm.command.cancel.v1"

    target: UUID


CANCELLED = "cancelled"
"""The reason of a command that was dropped before it was done."""


def result_id(tenant: UUID, command_id: UUID, number: int) -> UUID:
    """The id of the n-th result, counted from 0, of a tenant's command."""
    return uuid5(command_id, f"{tenant}/{number}")


def cancel_id(target: UUID) -> UUID:
    """The id of the command that cancels `target`; cancelling twice is one command."""
    return uuid5(target, "cancel")
