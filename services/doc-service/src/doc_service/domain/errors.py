"""What goes wrong with documents, for people to read."""


class DocError(Exception):
    """The root of this service's errors."""


class PatternError(DocError):
    """A number pattern that gives no numbers."""


class DataError(DocError):
    """A command's data or document settings that cannot be printed."""
