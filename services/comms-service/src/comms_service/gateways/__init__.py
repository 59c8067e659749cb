"""The outside world: the mail server, the SMS provider, doc-service's files.

A gateway's `send` returns when the provider has the message; it raises `RejectedError` or `PostponedError` otherwise,
never an `OSError`, which the worker would take for our own database being away. No error repeats what a server said:
servers repeat addresses.
"""

from typing import Protocol

from comms_service.domain.messages import Message


class Provider(Protocol):
    """Hands one message over; the same message again has the same key, by which a provider may recognise it."""

    async def send(self, message: Message) -> str | None:
        """Returns the provider's own id of the message, if it has one."""
        ...
