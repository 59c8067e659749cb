"""JSON answers and entity tags (RFC 9110)."""

import re
from typing import Any

import orjson
from fastapi import Request, Response
from pydantic import BaseModel

from contracts.kit.http.problems import Problem

_VERSION = re.compile(r"[0-9]{1,18}")


def etag(version: int) -> str:
    return f'"{version}"'


def if_match(request: Request) -> int | None:
    """The version the caller has seen; null for `*`. Raises 428 when the header is absent, 400 when it is malformed."""
    header = request.headers.get("if-match")
    if header is None:
        raise Problem(428, "Precondition required", "send If-Match with the ETag of what you last read, or *")
    if header.strip() == "*":
        return None
    text = header.strip().removeprefix("W/").strip('"')
    if not _VERSION.fullmatch(text):
        raise Problem(400, "Bad request", f"If-Match: {header[:40]!r} is no ETag of this service")
    return int(text)


def json_response(
    body: BaseModel | dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A JSON answer from a model, its fields under their names on the wire, or from plain values."""
    raw = body.model_dump_json(by_alias=True) if isinstance(body, BaseModel) else orjson.dumps(body, default=str)
    return Response(raw, status, headers, media_type="application/json")
