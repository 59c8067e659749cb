"""Templates: typst text by authors, in versions, or shipped with the service."""

from dataclasses import dataclass
from datetime import datetime

BUILTIN_VERSION = 0
"""The version of a template that ships with the service; authors' versions count from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One immutable version of a template.

    `language` is the one its documents are printed in; null: that of the command.
    """

    code: str
    version: int
    name: str
    language: str | None
    number_pattern: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateHead:
    """A template's state: its newest version, the published one, and whether it is in use at all."""

    code: str
    latest: int
    published: int | None
    archived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateVersion:
    """A template as its authors see it."""

    template: Template
    published: int | None
    archived: bool
    created_at: datetime | None
    created_by: str | None
