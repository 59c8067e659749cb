"""The object store: contents by tenant and SHA-256, written once and never changed."""

import hashlib
from functools import cached_property
from pathlib import Path
from uuid import UUID

from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, from_url


class FileStoreError(OSError):
    """The object store is away or refuses; an `OSError`, since like any server of ours it is waited for."""


class FileStore:
    """Contents at `<tenant>/<sha256>`, in the store at `url` or, without one, in a folder."""

    def __init__(self, url: str | None, folder: Path) -> None:
        self._url = url
        self._folder = folder

    @cached_property
    def _store(self) -> ObjectStore:
        return from_url(self._url) if self._url else LocalStore(self._folder.absolute(), mkdir=True)

    async def put(self, tenant: UUID, content: bytes) -> str:
        """Keeps the content; its SHA-256 in hexadecimal. The same content again changes nothing."""
        sha256 = hashlib.sha256(content).hexdigest()
        try:
            await self._store.put_async(_key(tenant, sha256), content, mode="create")
        except AlreadyExistsError:
            return sha256
        except BaseError as error:
            raise FileStoreError(f"object store: {type(error).__name__}") from error
        return sha256

    async def get(self, tenant: UUID, sha256: str) -> bytes:
        try:
            found = await self._store.get_async(_key(tenant, sha256))
            return bytes(await found.bytes_async())
        except BaseError as error:
            raise FileStoreError(f"object store: {type(error).__name__}") from error


def _key(tenant: UUID, sha256: str) -> str:
    return f"{tenant}/{sha256}"
