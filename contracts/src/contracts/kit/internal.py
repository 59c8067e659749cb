"""What both sides of a call between services agree on: the paths of the internal listener, the audience of a token.

Imports nothing, so that programs that only ask are not slowed down by what serving takes.
"""

INTERNAL = frozenset({"internal", "health", "metrics"})
"""The first parts of the paths that are served on the internal listener."""


def is_internal(path: str) -> bool:
    return path.lstrip("/").partition("/")[0] in INTERNAL


def service_audience(platform: str, service: str) -> str:
    """What tokens for a service name as audience; `platform` is the audience of people's tokens (`AUTH_AUDIENCE`)."""
    return f"{platform}/{service}"
