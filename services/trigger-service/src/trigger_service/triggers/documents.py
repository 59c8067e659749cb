"""Triggers of documents."""

from collections.abc import Mapping
from typing import Any

from contracts.messages.doc import DocumentViewed
from contracts.values import Code
from trigger_service.triggers.base import EventTriggerType, Occurrence, TriggerSettings


class DocumentSettings(TriggerSettings):
    """`template` null: documents of any template."""

    template: Code | None = None


class DocumentViewedTrigger(EventTriggerType[DocumentSettings, DocumentViewed]):
    """Facts: those of `DocumentViewed`."""

    name = "document_viewed"
    title = "Document viewed"
    group = "Documents"
    description = "a document of the item is opened by its public link"
    context_name = "document"
    settings = DocumentSettings
    body = DocumentViewed

    def occurrence(self, data: DocumentViewed) -> Occurrence:
        return Occurrence(type=self.name, items=(data.item_id,), facts=data.model_dump(mode="json"))

    def mismatch(self, settings: DocumentSettings, facts: Mapping[str, Any]) -> str | None:
        if settings.template in (None, facts["template"]):
            return None
        return f"the document is of the template {facts['template']!r}, the trigger waits for {settings.template!r}"
