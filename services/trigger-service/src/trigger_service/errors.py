"""The service's own errors; their texts are for people and repeat no submitted value."""

from collections.abc import Sequence
from uuid import UUID


class TriggerServiceError(Exception):
    """The root of this service's errors."""


class VaultError(TriggerServiceError):
    """A kept secret cannot be read with the present key."""


class InvalidInputError(TriggerServiceError):
    """Input that cannot be used; `errors` are (where, what) pairs."""

    def __init__(self, detail: str, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class KeyReusedError(TriggerServiceError):
    """A key that names an occurrence came again with another content."""

    def __init__(self, first: UUID, *, pending: bool) -> None:
        super().__init__(f"this key came before, with another content, as the arrival {first}")
        self.first = first
        self.pending = pending
