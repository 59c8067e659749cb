"""Channels: the ways out of messages."""

from dataclasses import dataclass

from contracts.messages.comms import ChannelKind


@dataclass(frozen=True, slots=True)
class Channel:
    """A way out for messages of one kind; `sender_address` and `sender_name` belong to e-mail."""

    code: str
    kind: ChannelKind
    name: str
    sender_address: str | None
    sender_name: str
    default: bool
    archived: bool
