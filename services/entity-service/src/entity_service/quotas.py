"""What a tenant may have in this service."""

from contracts.kit.quotas import Quota, of_definitions
from entity_service import store

ITEMS_PER_CAUSE = Quota(
    name="items_per_cause",
    default=100,
    counts="items that rules and triggers make out of one cause",
    at_limit="the command is refused and the timeline says that automation was stopped; other causes go on",
)
ITEMS_PER_HOUR = Quota(
    name="items_by_rules_per_hour",
    default=5_000,
    counts="items that rules make within an hour",
    at_limit="the command is refused and the timeline says that automation was stopped; people and forms go on",
    used=store.automatic_items.by_rules_within_an_hour,
)
DEFINITIONS = of_definitions(
    "definitions",
    5_000,
    "item types, pipelines, custom fields, lists, departments, employees, own companies, rooms, resources, accounts",
    store.tenants.definitions,
)
LIST_ROWS = Quota(
    name="list_rows",
    default=50_000,
    counts="rows of all lists",
    at_limit="new rows are refused; those that there are can be changed and deleted",
    used=store.lists.count_rows,
)

QUOTAS = (ITEMS_PER_CAUSE, ITEMS_PER_HOUR, DEFINITIONS, LIST_ROWS)
