"""Triggers of documents and QR codes."""

from collections.abc import Mapping
from typing import Any

from contracts.messages.doc import DocumentCreated, DocumentViewed, QrScanned
from contracts.values import Code
from trigger_service.triggers.base import EventTriggerType, NoSettings, Occurrence, TriggerSettings

GROUP = "Documents"


class DocumentSettings(TriggerSettings):
    """Which documents are meant."""

    template: Code | None = None
    """Code of the template that the document is made from; without it a document of any template will do."""


class DocumentTrigger[B: DocumentCreated | DocumentViewed](EventTriggerType[DocumentSettings, B]):
    """What triggers of documents have in common."""

    group = GROUP
    context_name = "document"
    settings = DocumentSettings

    def occurrence(self, data: B) -> Occurrence:
        return self.about(data, data.item_id)

    def mismatch(self, settings: DocumentSettings, facts: Mapping[str, Any]) -> str | None:
        if settings.template in (None, facts["template"]):
            return None
        return f"the document is of the template {facts['template']!r}, the trigger waits for {settings.template!r}"


class DocumentCreatedTrigger(DocumentTrigger[DocumentCreated]):
    """Facts: those of `DocumentCreated`."""

    name = "document_created"
    title = "Document created"
    description = "a document of the item has its number, and its PDF is ready"
    body = DocumentCreated


class DocumentViewedTrigger(DocumentTrigger[DocumentViewed]):
    """Facts: those of `DocumentViewed`."""

    name = "document_viewed"
    title = "Document viewed"
    description = "a document of the item is opened by its public link"
    body = DocumentViewed


class QrScannedTrigger(EventTriggerType[NoSettings, QrScanned]):
    """Facts: those of `QrScanned`."""

    name = "qr_scanned"
    title = "QR code scanned"
    group = GROUP
    description = "a QR code that `create_qr_code` made for the item is scanned"
    context_name = "qr_code"
    settings = NoSettings
    body = QrScanned

    def occurrence(self, data: QrScanned) -> Occurrence:
        return self.about(data, data.item_id)
