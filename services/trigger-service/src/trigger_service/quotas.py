"""What a tenant may have in this service."""

from contracts.kit.quotas import Quota
from trigger_service.store import definitions, guards

_AT_LIMIT = "new ones are refused; those that there are can be changed"
_LATER = "visitors are asked to come back later; other {others} go on"

TRIGGERS = Quota("triggers", 1_000, "triggers, archived ones included", _AT_LIMIT, definitions.count_triggers)
FORMS = Quota("forms", 200, "forms, archived ones included", _AT_LIMIT, definitions.count_forms)
PROVIDERS = Quota(
    "payment_providers", 50, "payment providers, archived ones included", _AT_LIMIT, definitions.count_providers
)
PER_FORM = Quota(
    "submissions_per_form_and_minute", 120, "submissions of one form in a minute", _LATER.format(others="forms")
)
PER_TENANT = Quota(
    "submissions_per_hour",
    2_000,
    "submissions of all forms in an hour",
    "visitors are asked to come back later",
    guards.submissions_this_hour,
)
PER_RECIPIENT = Quota(
    "submissions_per_recipient_and_day",
    10,
    "submissions with one phone number or e-mail address in a day",
    _LATER.format(others="numbers and addresses"),
)

QUOTAS = (TRIGGERS, FORMS, PROVIDERS, PER_FORM, PER_TENANT, PER_RECIPIENT)
