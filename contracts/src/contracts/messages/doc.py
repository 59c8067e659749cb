"""What doc-service handles (`crm.doc.commands.v1`) and reports (`crm.doc.events.v1`)."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue

from contracts.envelope import Body
from contracts.values import FileRef


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
