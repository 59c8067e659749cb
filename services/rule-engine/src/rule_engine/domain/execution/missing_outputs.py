"""Why outputs of an earlier rule were missing when a rule acted, and what its author can do about it."""

import re
from collections.abc import Mapping

from contracts.messages.rule_events import RuleState

STEP = re.compile(r"\bsteps\.([a-z][a-z0-9_]*)")
"""A name of outputs: `steps.<rule>`."""


def remedy(path: str) -> str:
    return f"write {{{{ {path} | default: … }}}}, or let its own condition ask for {path}"


def explained(reason: str, states: Mapping[str, RuleState]) -> str:
    """The reason of a failure, and if outputs were missing because their rule did not act, that; by rules' names."""
    found = STEP.search(reason)
    state = states.get(found[1]) if found else None
    if found is None or state in (None, "done") or "is unknown" not in reason:
        return reason
    did = {"skipped": "was skipped", "failed": "failed", "refused": "was refused", "cancelled": "was cancelled"}
    what = f"{found[1]} {did.get(str(state), 'has not acted yet')}, so it has no outputs"
    path = re.search(r"steps\.[\w.]+", reason)
    return f"{reason}: {what}; {remedy(path[0] if path else found[0])}"
