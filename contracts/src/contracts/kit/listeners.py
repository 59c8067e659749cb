"""Two listeners of one process: `HTTP_PORT` for people and strangers, `INTERNAL_PORT` for the platform's inside.

What other services, the people who run the installation, probes and scrapers ask for is served on `INTERNAL_PORT`
alone, and nothing else is: exposing `HTTP_PORT` exposes none of it.
"""

import socket

from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.kit.http import Problem
from contracts.kit.internal import INTERNAL, is_internal

_ABSENT = Problem(404, "Not Found", "Not Found")
"""As for a path that does not exist at all."""
_ELSEWHERE = Problem(404, "Not Found", f"this port serves {', '.join(f'/{part}' for part in sorted(INTERNAL))} alone")


class ListenerMiddleware:
    """Answers 404 for what is served on the other listener; the connection's own port says which one was asked."""

    def __init__(self, app: ASGIApp, internal_port: int) -> None:
        self._app = app
        self._internal_port = internal_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inside = (scope.get("server") or ("", None))[1] == self._internal_port
        if scope["type"] == "http" and is_internal(scope["path"]) != inside:
            await (_ELSEWHERE if inside else _ABSENT).response()(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def bind(host: str, port: int) -> socket.socket:
    """Bound, but not listening yet: connections are refused until the application has started. Raises `OSError`."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise OSError(error.errno, f"cannot listen on {host}, port {port}: {error.strerror}") from error
    return made
