"""The settings of doc-service beside those of every service."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from contracts.kit.plaintext import SecretUrl
from contracts.kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """`public_doc_url` is where clients reach this service: public links begin with it."""

    public_doc_url: SecretUrl
    files_url: SecretUrl | None = None
    """An object store: `s3://bucket/prefix`, `gs://…`, `az://…`; null keeps files in `files_dir`."""
    files_dir: Path = Path("files")
    fonts_dir: Path | None = None
    """A folder of fonts besides those inside typst (Latin, Greek, Cyrillic, Hebrew); each rendering sees it."""
    link_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How long a public link opens when the command does not say."""
