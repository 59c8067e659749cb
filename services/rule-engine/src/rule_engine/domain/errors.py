"""What the core refuses."""


class EngineError(Exception):
    """The root of the rule engine's errors."""


class RunError(EngineError):
    """An operator's action makes no sense in the run's present state; the text says why, for people."""


class NoSuchRuleError(RunError):
    """The run has no such rule."""


class NotMovableError(EngineError):
    """A run cannot be moved to another version; the text says why, for people."""


class ValueFailureError(EngineError):
    """A parameter could not be made from the values at hand (a template failed, a type does not fit)."""


class TakenError(EngineError):
    """A rule set conflicts with another one, or was changed meanwhile; the text says how, for people."""
