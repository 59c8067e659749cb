"""What a tenant may have in this service."""

from contracts.kit.quotas import Quota
from trigger_service.store import definitions

_AT_LIMIT = "new ones are refused; those that there are can be changed"

TRIGGERS = Quota("triggers", 1_000, "triggers, archived ones included", _AT_LIMIT, definitions.count_triggers)
FORMS = Quota("forms", 200, "forms, archived ones included", _AT_LIMIT, definitions.count_forms)
PROVIDERS = Quota(
    "payment_providers", 50, "payment providers, archived ones included", _AT_LIMIT, definitions.count_providers
)

QUOTAS = (TRIGGERS, FORMS, PROVIDERS)
