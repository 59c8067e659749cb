"""When automation runs in a circle."""

from collections import Counter
from collections.abc import Sequence

from contracts.envelope import MAX_CAUSES, Cause


def find_loop(causes: Sequence[Cause]) -> str | None:
    """Names the loop in a command's `causepath` for people; null when there is none.

    A (rule, item) pair that occurs twice acted on its own consequence; a longer path than allowed is one that never
    meets the same pair, such as rules that copy items for ever. The sender has appended its own pair. In place of a
    rule's id a pair may name something else with a slash, such as `workflow/visit` or `trigger/paid`.
    """
    if len(causes) == len(set(causes)) <= MAX_CAUSES:
        return None
    repeated = next((cause for cause, times in Counter(causes).items() if times > 1), None)
    if repeated:
        path = " → ".join(cause.rule_id for cause in causes)
        who = repeated.rule_id if "/" in repeated.rule_id else f"rule {repeated.rule_id}"
        return f"automation runs in a circle: {who} acts on this item a second time ({path})"
    if len(causes) > MAX_CAUSES:
        path = " → ".join(cause.rule_id for cause in causes)
        return f"automation runs on and on: more than {MAX_CAUSES} rules caused one another ({path})"
    return None
