"""What the addresses below `/hooks` have in common, which other systems call."""

import re
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from contracts.kit.http import Problem

KEY = re.compile(r"[\x21-\x7e]{1,200}")


class Accepted(BaseModel):
    """It has arrived; `/v1/arrivals/{arrival_id}` says what becomes of it."""

    arrival_id: UUID


def body_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The body, for the API's description: it is read as bytes, since signatures are over bytes."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def key_of(request: Request, *headers: str) -> str:
    """The first of the headers that is there; empty without any."""
    key = next((request.headers[name] for name in headers if name in request.headers), "")
    if key and not KEY.fullmatch(key):
        raise Problem(400, "Bad request", f"{headers[0]}: 1 to 200 visible ASCII characters")
    return key
