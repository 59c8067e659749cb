"""Sets documents with typst, each in a process of its own that is ended when it takes too much."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from contracts.kit import telemetry
from contracts.kit.errors import RetryLaterError
from contracts.kit.shares import Shares
from doc_service.domain.errors import DocError
from doc_service.domain.files import MAX_FILE
from doc_service.gateways.sandbox import TEMPLATE_AT_FAULT

PATIENCE_S = 60
"""A process that used little of its CPU time and is not done by then runs on an overloaded machine."""
_PLACE = re.compile(r"__typst_py_bytes__\.typ:(\d+):(\d+)")
_PATHS = re.compile(r" ?\((searched at|searched in)[^)]*\)")
_ENDLESS = ": is there a loop without end?"
_OUT_OF_MEMORY = (-signal.SIGABRT, -signal.SIGSEGV)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one rendering may take: seconds of CPU time, bytes of address space."""

    cpu_s: int = 5
    memory: int = 1 << 30


@dataclass(frozen=True, slots=True)
class Typeset:
    """A PDF, and the first of the characters in it that no font has: they are printed as boxes."""

    pdf: bytes
    missing: str


class TemplateError(DocError):
    """The template cannot be set with this data; the text says where and why, for its author.

    `line` and `column` count from 1 and are null when the trouble has no place.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(f"line {line}, column {column}: {message}" if line else message)
        self.message = message
        self.line = line
        self.column = column


class Typesetter:
    """Sets as many documents at a time as there are places, in turns by tenant.

    `fonts` is a folder of fonts besides those inside typst (Latin, Greek, Cyrillic, Vietnamese, Hebrew).
    """

    def __init__(self, places: Shares, limits: Limits | None = None, fonts: Path | None = None) -> None:
        self._places = places
        self._limits = limits or Limits()
        self._fonts = fonts

    async def set(self, tenant: UUID, source: str, inputs: Mapping[str, str], at: datetime) -> Typeset:
        """The PDF; the same source, inputs, moment and fonts give the same bytes.

        Raises `TemplateError` when the template is at fault, `RetryLaterError` when this machine is, `QueueFullError`
        when too many of the tenant's own wait, where places say how many may.
        """
        job = {
            "source": source,
            "inputs": inputs,
            "timestamp": int(at.timestamp()),
            "limits": asdict(self._limits),
            "fonts": str(self._fonts) if self._fonts else None,
        }
        async with self._places.place(tenant):
            with telemetry.span("render document"):
                code, output = await _run(json.dumps(job).encode())
        if code == 0:
            about, _, pdf = output.partition(b"\n")
            return Typeset(_of_fair_size(pdf), json.loads(about)["missing"])
        raise _what_went_wrong(code, output, self._limits)


async def _run(job: bytes) -> tuple[int, bytes]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-m", "doc_service.gateways.sandbox"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"RAYON_NUM_THREADS": "1"},
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            output, _ = await process.communicate(job)
    except TimeoutError as error:
        raise RetryLaterError("the machine was too busy to set the document") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, output


def _of_fair_size(pdf: bytes) -> bytes:
    if len(pdf) > MAX_FILE:
        raise TemplateError(f"the PDF has more than {MAX_FILE} bytes")
    return pdf


def _what_went_wrong(code: int, output: bytes, limits: Limits) -> Exception:
    if code == TEMPLATE_AT_FAULT:
        return _template_error(json.loads(output))
    if code == -signal.SIGKILL:
        return RetryLaterError("the typesetter was killed from outside")
    if code == -signal.SIGXCPU:
        return TemplateError(f"it takes more than {limits.cpu_s} seconds{_ENDLESS}")
    if code in _OUT_OF_MEMORY:
        return TemplateError(f"it takes more than {limits.memory >> 20} MB of memory{_ENDLESS}")
    return TemplateError("the typesetter gave up on it without saying why")


def _template_error(report: Mapping[str, Any]) -> TemplateError:
    message = _PATHS.sub("", report["message"])
    if "failed to download package" in message or message.startswith("package not found"):
        message = "packages cannot be imported here: put what you need into the template itself"
    if hints := [hint for hint in report["hints"] if "--" not in hint]:
        message += f" (hint: {'; '.join(hints)})"
    place = _PLACE.search(report["diagnostic"])
    if place is None:
        return TemplateError(message[:500])
    return TemplateError(message[:500], int(place[1]), int(place[2]) + 1)  # it counts columns from 0
