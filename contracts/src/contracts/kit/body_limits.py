"""How much a request's body may hold: bytes, and values of JSON, since many small values are costly to read."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.kit.http import Problem

MAX_BODY = 1_048_576
"""Bytes, where a route has no limit of its own."""
MAX_VALUES = 250_000
"""Lists, objects and their elements in one JSON body: brackets and commas are counted before it is parsed."""


class BodyLimitMiddleware:
    """Refuses bodies over `MAX_BODY` bytes, declared or not, and JSON of over `MAX_VALUES` values, with 413.

    `larger` maps path prefixes to their own limits of bytes.
    """

    def __init__(self, app: ASGIApp, larger: dict[str, int] | None = None) -> None:
        self._app = app
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = next((n for prefix, n in self._larger.items() if scope["path"].startswith(prefix)), MAX_BODY)
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > limit:
            too_large = Problem(413, "Content too large", _too_many_bytes(limit))
            await too_large.response()(scope, receive, send)
            return
        await self._app(scope, _counting(receive, limit, is_json=_is_json(headers)), send)


def _counting(receive: Receive, limit: int, *, is_json: bool) -> Receive:
    """Raises an HTTPException, since FastAPI takes any other error for a body that cannot be parsed."""
    size = values = 0

    async def counting() -> Message:
        nonlocal size, values
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        values += sum(map(chunk.count, (b"[", b"{", b","))) if is_json else 0
        if size > limit:
            raise HTTPException(413, _too_many_bytes(limit))
        if values > MAX_VALUES:
            raise HTTPException(413, f"the body has more than {MAX_VALUES} values: send it in parts")
        return message

    return counting


def _is_json(headers: dict[bytes, bytes]) -> bool:
    return b"json" in headers.get(b"content-type", b"json").lower()


def _too_many_bytes(limit: int) -> str:
    return f"the body has more than {limit} bytes"
