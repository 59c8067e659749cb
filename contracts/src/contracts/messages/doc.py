"""What doc-service handles (`crm.doc.commands.v1`) and reports (`crm.doc.events.v1`)."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue, StringConstraints

from contracts.envelope import Body
from contracts.texts import Title
from contracts.values import FileRef, Link


class CreateDocument(Body):
    """Creates a numbered document from a template and renders it as PDF.

    `data` is the item's context (`item`, `contact`, `company`, `products`, `my_company`, …) as the template sees it;
    `fields` overrides single document fields by name. Outputs: `document_id`, `number`, `pdf` (a `FileRef`; null when
    `wait_for_pdf` is false and it is not rendered yet), `public_link` (null unless asked for).
    """

    TYPE: ClassVar[str] = "crm.document.create.v1"

    item_id: UUID
    template: str
    data: dict[str, JsonValue]
    fields: dict[str, JsonValue] = Field(default_factory=dict)
    wait_for_pdf: bool = True
    public_link: bool = False
    link_days: int | None = Field(default=None, ge=1, le=3650)
    """How long the public link opens; null: the service's default."""
    language: str = "en"
    time_zone: str = "UTC"
    created_by: str


class CreateQrCode(Body):
    """Makes a QR code that leads to a public page; each scan is told (`QrScanned`).

    Outputs: `qr_code_id`, `image` (a `FileRef` of a PNG), `image_link`, `scan_link` (both public, unguessable).
    """

    TYPE: ClassVar[str] = "crm.qr_code.create.v1"

    item_id: UUID
    title: Title
    description: Annotated[str, StringConstraints(max_length=10_000)] = ""
    address: Link | None = None
    """Where the page leads on to; null: nowhere."""
    language: str = "en"
    created_by: str


class DocumentCreated(Body):
    """A document exists and its PDF is ready."""

    TYPE: ClassVar[str] = "crm.document.created.v1"

    document_id: UUID
    item_id: UUID
    template: str
    number: str
    pdf: FileRef
    at: AwareDatetime


class DocumentViewed(Body):
    """Somebody opened a document by its public link; `views` counts from 1."""

    TYPE: ClassVar[str] = "crm.document.viewed.v1"

    document_id: UUID
    item_id: UUID
    template: str
    views: int
    at: AwareDatetime


class QrScanned(Body):
    """Somebody scanned a QR code; `scans` counts from 1."""

    TYPE: ClassVar[str] = "crm.qr_code.scanned.v1"

    qr_code_id: UUID
    item_id: UUID
    title: str
    scans: int
    at: AwareDatetime
