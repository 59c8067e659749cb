"""Triggers of web forms."""

from collections.abc import Mapping
from typing import Any

from contracts.values import Code
from trigger_service.triggers.base import TriggerSettings, TriggerType


class FormSettings(TriggerSettings):
    """Which forms are meant."""

    form: Code | None = None
    """Code of the form; without it any form will do."""


class FormSubmitted(TriggerType[FormSettings]):
    """Facts: `code` (the form's) and `fields` (answers by field name)."""

    name = "form_submitted"
    title = "Form submitted"
    group = "Forms"
    description = "a client who has open items fills in a form"
    context_name = "form"
    settings = FormSettings

    def mismatch(self, settings: FormSettings, facts: Mapping[str, Any]) -> str | None:
        if settings.form in (None, facts["code"]):
            return None
        return f"it was the form {facts['code']!r}, the trigger waits for {settings.form!r}"
