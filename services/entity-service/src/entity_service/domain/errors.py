"""What can be wrong with a request or command; the texts are for people."""


class EntityError(Exception):
    """The root of this service's errors."""


class NotFoundError(EntityError):
    """There is no such record in this tenant; `what` names it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no {what}")
        self.what = what


class ConflictError(EntityError):
    """The request is well-formed, but the present state forbids it."""


class InvalidError(EntityError):
    """Values are not acceptable; `errors` are (where, what) pairs, never with the values themselves."""

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{where}: {what}" for where, what in errors))
        self.errors = errors


class RejectedError(EntityError):
    """A provider refuses what it is asked for; the text is for people."""


class AutomationStoppedError(EntityError):
    """Automation may not do this: it runs in a circle, or a quota is used up. The item's timeline keeps the reason."""
