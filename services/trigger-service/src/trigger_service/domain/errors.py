"""The service's own errors; their texts are for people and repeat no submitted value."""

from collections.abc import Sequence
from uuid import UUID


class TriggerServiceError(Exception):
    """The root of this service's errors."""


class InvalidInputError(TriggerServiceError):
    """Input that cannot be used; `errors` are (where, what) pairs."""

    def __init__(self, detail: str, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class NonceError(TriggerServiceError):
    """A submission without a nonce of its form, or with one that is too old: it may be sent again with another."""


class TooSoonError(TriggerServiceError):
    """What may be sent again in `wait_s` seconds, and not before."""

    def __init__(self, detail: str, wait_s: int) -> None:
        super().__init__(f"{detail}: send it again in {_shown(wait_s)}")
        self.wait_s = wait_s


def _shown(seconds: int) -> str:
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds > 2 * length:
            return f"{-(-seconds // length)} {unit}"
    return f"{seconds} s"


class ChallengeUnsolvedError(TriggerServiceError):
    """Nobody has shown to be human; it may be tried again."""


class ChallengeAwayError(TriggerServiceError):
    """Who judges challenges cannot be asked, or does not know us."""


class NotRetriedError(TriggerServiceError):
    """A submission that is not judged again; the text says why."""


class KeyReusedError(TriggerServiceError):
    """A key that names an occurrence came again with another content."""

    def __init__(self, first: UUID, *, pending: bool) -> None:
        super().__init__(f"this key came before, with another content, as the arrival {first}")
        self.first = first
        self.pending = pending
