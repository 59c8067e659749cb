"""The kit's errors."""


class KitError(Exception):
    """The root of the kit's errors."""


class RefusalError(KitError):
    """A command's handler says no for a business reason; everything it wrote is taken back. The text is for people."""


class PayloadTooLargeError(KitError):
    """A message is larger than the broker would take."""


class RoutesError(KitError):
    """A service would handle other commands than those of its topic; found when it is put together."""


class WrongArgumentsError(KitError):
    """A statement was given arguments that it cannot take: a value out of its column's range, too many, too few."""


class QueueFullError(KitError):
    """Of one tenant as many requests wait already as may: `waiting`."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} requests of one tenant wait already")
        self.waiting = waiting


class RetryLaterError(KitError):
    """Leased work could not be done now for a reason that is expected to pass.

    `after_s` is a provider's own wish (such as Retry-After), else the worker's back-off decides.
    """

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s
