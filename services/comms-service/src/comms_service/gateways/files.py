"""Attachments, read from doc-service, which keeps them."""

import hashlib
from uuid import UUID

import httpx

from comms_service.domain.errors import PostponedError, RejectedError
from contracts.values import FileRef

MAX_BYTES = 20 * 1024 * 1024
"""Of all attachments of one message; most mail servers take 25 MB after encoding, which adds a third."""


class FileGateway:
    """`GET /internal/files/{id}` of doc-service; files are immutable, so what was read is checked by its sha256."""

    def __init__(self, client: httpx.AsyncClient, url: str, auth: httpx.Auth) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._auth = auth

    async def read(self, tenant: UUID, files: tuple[FileRef, ...]) -> list[bytes]:
        """The files' contents, in order. Nothing has reached a provider when this raises."""
        contents: list[bytes] = []
        for file in files:
            left = MAX_BYTES - sum(map(len, contents))
            contents.append(_checked(file, await self._fetch(tenant, file, left)))
        return contents

    async def _fetch(self, tenant: UUID, file: FileRef, limit: int) -> bytes:
        url = f"{self._url}/internal/files/{file.file_id}"
        try:
            async with self._client.stream("GET", url, params={"tenant": str(tenant)}, auth=self._auth) as response:
                _judge(response.status_code, file)
                return await _read(response, limit)
        except (httpx.HTTPError, OSError) as error:
            raise PostponedError(f"doc-service cannot be reached ({type(error).__name__})", reached=False) from error


def _judge(status: int, file: FileRef) -> None:
    if status in (404, 410):
        raise RejectedError(f"attachment {file.file_id}: there is no such file")
    if status != 200:
        raise PostponedError(f"doc-service answered {status} for attachment {file.file_id}", reached=False)


async def _read(response: httpx.Response, limit: int) -> bytes:
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > limit:
            raise RejectedError(f"the attachments have more than {MAX_BYTES} bytes together")
    return bytes(content)


def _checked(file: FileRef, content: bytes) -> bytes:
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise RejectedError(f"attachment {file.file_id}: the file is not the one that was to be sent (sha256 differs)")
    return content
