"""What can go wrong with a message; the texts are for people."""


class CommsError(Exception):
    """The root of this service's errors. Their texts never hold an address or a message's words."""


class UnusableError(CommsError):
    """A message, address or channel cannot be used as it is; the text says why and what to do."""


class RejectedError(CommsError):
    """The provider said no for good: trying again makes no sense."""


class PostponedError(CommsError):
    """The message could not be handed over now, for a reason that may pass.

    `reached` is true unless it is certain that the provider did not take it. `after_s` is the provider's own wish.
    """

    def __init__(self, reason: str, *, reached: bool, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reached = reached
        self.after_s = after_s
