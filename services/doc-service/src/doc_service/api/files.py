"""`/v1/files`: uploading and reading files; `/internal/files` for the services that send them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from contracts.kit.auth import Caller, Role, require, require_service
from contracts.kit.clock import NewId
from contracts.kit.database import Connection
from contracts.kit.http import Problem, bad_input, json_response
from contracts.kit.quotas import check
from contracts.kit.routes import found
from contracts.kit.service import Service
from contracts.service_calls import FILES
from contracts.values import FileRef
from doc_service.domain.files import MAX_FILE, File, safe_media_type, safe_name
from doc_service.gateways.files import FileStore
from doc_service.quotas import FILE_BYTES
from doc_service.store import Store

BODY_LIMITS = {"/v1/files": MAX_FILE + 16_384}
"""Bytes of a whole request: a file and what multipart adds to it."""

_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


class FileOut(BaseModel):
    """An uploaded file; `file` is what commands and texts refer to it by."""

    file: FileRef
    size: int
    created_at: AwareDatetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file as it was sent."""

    name: str
    media_type: str
    content: bytes


def router(service: Service, store: Store, content: FileStore, new_id: NewId) -> APIRouter:
    """Agents upload, everybody of the tenant reads, and the services that send files."""
    routes = APIRouter(tags=["files"])

    @routes.post("/v1/files", status_code=201, response_model=FileOut, openapi_extra=_UPLOAD)
    async def upload_file(
        request: Request,
        name: Annotated[str, Query(max_length=500)] = "",
        caller: Caller = require(Role.AGENT),
    ) -> Response:
        """Keeps a file of at most 10 MB: the body as it is, named by `name`, or the field `file` of a form."""
        upload = await _read_upload(request, name)
        # The content first: content without a row harms nobody, a row without content would.
        sha256 = await content.put(caller.tenant, upload.content)
        file = _file(upload, new_id(), caller, sha256, service.clock())

        async def add(tx: Connection) -> Response:
            await check(tx, caller.tenant, FILE_BYTES, adding=file.size)
            await store.files.add(tx, file)
            out = FileOut(file=file.ref, size=file.size, created_at=file.created_at, created_by=file.created_by)
            return json_response(out, 201, {"Location": f"/v1/files/{file.id}"})

        return await service.idempotency.once(request, tenant=caller.tenant, subject=caller.subject, do=add)

    @routes.get("/v1/files/{file_id}", response_class=Response)
    async def get_file(file_id: UUID, caller: Caller = require(Role.VIEWER)) -> Response:
        """The content, as an attachment."""
        return await read(caller.tenant, file_id)

    @routes.get("/internal/files/{file_id}", response_class=Response)
    async def get_file_for_service(file_id: UUID, tenant: UUID, _: str = require_service(FILES.scope)) -> Response:
        """The content, for a service that acts for the tenant."""
        return await read(tenant, file_id)

    async def read(tenant: UUID, file_id: UUID) -> Response:
        async with service.database.transaction(tenant) as tx:
            file = found(await store.files.find(tx, tenant, file_id), f"file {file_id}")
        return file_response(file, await content.get(tenant, file.sha256))

    return routes


def _file(upload: Upload, id: UUID, caller: Caller, sha256: str, now: datetime) -> File:
    return File(
        id=id,
        tenant=caller.tenant,
        name=upload.name,
        media_type=upload.media_type,
        size=len(upload.content),
        sha256=sha256,
        created_at=now,
        created_by=caller.subject,
    )


async def _read_upload(request: Request, name: str) -> Upload:
    content = await request.body()
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await _read_form(request, name)
    return _upload(name, request.headers.get("content-type"), content)


async def _read_form(request: Request, name: str) -> Upload:
    try:
        form = await request.form(max_files=1, max_fields=10)
    except HTTPException as error:
        raise bad_input("the form cannot be read", ("body", str(error.detail))) from error
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise bad_input("the form has no file", ("file", "send one file in the field `file`"))
    return _upload(name or file.filename or "", file.content_type, await file.read())


def _upload(name: str, media_type: str | None, content: bytes) -> Upload:
    if not content:
        raise bad_input("the file is empty", ("body", "send at least one byte"))
    if len(content) > MAX_FILE:
        raise Problem(413, "Content too large", f"a file may have {MAX_FILE} bytes, this one has {len(content)}")
    return Upload(safe_name(name), safe_media_type(media_type), content)


def file_response(
    file: File, content: bytes, *, attachment: bool = True, headers: Mapping[str, str] | None = None
) -> Response:
    """A file's content, with headers that keep browsers from guessing its type and running it."""
    kind = "attachment" if attachment else "inline"
    return Response(
        content,
        media_type=file.media_type,
        headers={
            "Content-Disposition": f"{kind}; filename*=UTF-8''{quote(file.name)}",
            "X-Content-Type-Options": "nosniff",
            "ETag": f'"{file.sha256}"',
        }
        | dict(headers or {}),
    )
