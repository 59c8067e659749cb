"""Files: what is known of one, and the names they may have."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.values import FileRef

MAX_FILE = 10 * 1024 * 1024
"""Bytes."""
PDF = "application/pdf"
UNKNOWN_TYPE = "application/octet-stream"
_MAX_NAME = 120
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_FORBIDDEN = re.compile(r'[<>:"|?*]')


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An immutable file; `size` in bytes, `sha256` in hexadecimal."""

    id: UUID
    tenant: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: datetime
    created_by: str

    @property
    def ref(self) -> FileRef:
        return FileRef(file_id=self.id, name=self.name, sha256=self.sha256, media_type=self.media_type)


def safe_name(name: str) -> str:
    """A name that is one path segment on every system and shows what it is: no control or direction characters."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    visible = "".join(char for char in last if unicodedata.category(char)[0] not in "CZ" or char == " ")
    stem, dot, suffix = _FORBIDDEN.sub("_", visible).strip(" .").rpartition(".")
    if not dot or len(suffix) > 10:
        stem, suffix = stem + dot + suffix, ""
    stem = stem[: _MAX_NAME - 11].strip() or "file"
    return f"{stem}.{suffix}" if suffix else stem


def safe_media_type(text: str | None) -> str:
    """The media type without parameters; what is none becomes `application/octet-stream`."""
    bare = (text or "").partition(";")[0].strip().lower()
    return bare if _MEDIA_TYPE.fullmatch(bare) else UNKNOWN_TYPE
