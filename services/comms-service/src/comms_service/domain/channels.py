"""Channels: the ways out of messages."""

from contracts.messages.comms import ChannelKind
from contracts.texts import Line, Name
from contracts.values import Code, Fields, Value


class ChannelFields(Fields):
    """What is said of a channel; `sender_address` and `sender_name` belong to e-mail."""

    kind: ChannelKind
    name: Name
    sender_address: Line | None = None
    sender_name: Line = ""
    default: bool = False
    archived: bool = False


class Channel(ChannelFields, Value):
    """A way out for messages of one kind."""

    code: Code
