"""What a tenant may have in this service."""

from contracts.kit.quotas import Quota, of_definitions
from trigger_service.store import deduplication, forms, triggers

_LATER = "visitors are asked to come back later; other {others} go on"

TRIGGERS = of_definitions("triggers", 1_000, "triggers", triggers.count)
FORMS = of_definitions("forms", 200, "forms", forms.count)
PER_FORM = Quota(
    "submissions_per_form_and_minute", 120, "submissions of one form in a minute", _LATER.format(others="forms")
)
PER_TENANT = Quota(
    "submissions_per_hour",
    2_000,
    "submissions of all forms in an hour",
    "visitors are asked to come back later",
    deduplication.submissions_this_hour,
)
PER_RECIPIENT = Quota(
    "submissions_per_recipient_and_day",
    10,
    "submissions with one phone number or e-mail address in a day",
    _LATER.format(others="numbers and addresses"),
)

QUOTAS = (TRIGGERS, FORMS, PER_FORM, PER_TENANT, PER_RECIPIENT)
