"""What a tenant may have in this service."""

from contracts.kit.quotas import Quota, of_definitions
from rule_engine.store.runs import Runs
from rule_engine.store.variables import Variables

OPEN_RUNS = Quota(
    name="open_runs",
    default=200_000,
    counts="runs that are not finished",
    at_limit="rules that an item's entry would start end as refused, with this reason; runs that there are go on",
    used=Runs().count_open,
)
DEFINITIONS = of_definitions(
    "definitions", 2_000, "rule sets, variables and constants", Variables().count_with_rule_sets
)

QUOTAS = (OPEN_RUNS, DEFINITIONS)
