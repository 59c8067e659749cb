"""The stack's root exception."""


class StackError(Exception):
    """What went wrong with the local stack, where, and what to do; its text is shown to a person as it is."""
