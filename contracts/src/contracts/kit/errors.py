"""The kit's errors."""


class KitError(Exception):
    """The root of the kit's errors."""


class RefusalError(KitError):
    """A command's handler refuses for a business reason; everything it wrote is rolled back. The text is for people."""


class PayloadTooLargeError(KitError):
    """A message is larger than the broker would take."""


class RoutesError(KitError):
    """A service's handlers do not match the commands of its topic; found at start."""


class WrongArgumentsError(KitError):
    """A statement was given arguments that it cannot take: a value out of its column's range, too many, too few."""


class VaultError(KitError):
    """A kept secret cannot be read with the present key."""


class QueueFullError(KitError):
    """One tenant has as many waiting requests as it may: `waiting`."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} requests of one tenant wait already")
        self.waiting = waiting


class RetryLaterError(KitError):
    """Leased work could not be done now for a reason that is expected to pass.

    `after_s` is what a provider asks for (such as Retry-After); without it the worker's back-off decides.
    """

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s
