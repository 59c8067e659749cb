"""QR codes: what a command makes, and their image."""

import io
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

import segno

from contracts.envelope import Envelope
from contracts.messages.doc import CreateQrCode
from contracts.values import FileRef
from doc_service.domain.files import File, safe_name

DRAW = "draw_qr_code"
"""The kind of work that draws a code; its id is the code's."""
PNG = "image/png"
PIXELS = 10
"""Of the edge of one of its squares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QrCode:
    """A QR code. `image` and `token_hash` are null until it is drawn; the token itself is only in the image."""

    id: UUID
    tenant: UUID
    item_id: UUID
    title: str
    description: str
    address: str | None
    language: str
    created_at: datetime
    created_by: str
    command_id: UUID
    token_hash: bytes | None = None
    image: FileRef | None = None
    scans: int = 0
    scanned_at: datetime | None = None

    def file(self, content: bytes, sha256: str, now: datetime) -> File:
        """Its image; the same id however often it is drawn."""
        return File(
            id=uuid5(self.id, "image"),
            tenant=self.tenant,
            name=safe_name(f"{self.title}.png".replace("/", "-")),
            media_type=PNG,
            size=len(content),
            sha256=sha256,
            created_at=now,
            created_by=self.created_by,
        )


def qr_code_id(tenant: UUID, command_id: UUID) -> UUID:
    """The id of the code that a tenant's command makes, however often it comes."""
    return uuid5(command_id, f"{tenant}/qr_code")


def plan_qr_code(command: Envelope[CreateQrCode], now: datetime) -> QrCode:
    asked = command.data
    return QrCode(
        id=qr_code_id(command.tenant, command.command_id),
        tenant=command.tenant,
        item_id=asked.item_id,
        title=asked.title,
        description=asked.description,
        address=asked.address,
        language=asked.language,
        created_at=now,
        created_by=asked.created_by,
        command_id=command.command_id,
    )


def draw(text: str) -> bytes:
    """A PNG that scanners read as the text, with the quiet zone that they need around it."""
    content = io.BytesIO()
    segno.make_qr(text, error="m").save(content, kind="png", scale=PIXELS, border=4)
    return content.getvalue()
