"""What counts as a repeat: a key counts once it had an effect or may still have one, and only for the same content."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from trigger_service.domain.answers import Answers
from trigger_service.domain.evaluation import ArrivalVerdict
from trigger_service.domain.forms import Form

EFFECTS = frozenset[ArrivalVerdict]({"pending", "moved", "same", "created"})
"""Verdicts after which what was asked for exists, or may exist soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The arrival that answers for a key, which names an occurrence from outside; key and content are hashes."""

    key: bytes
    content: bytes = b""
    arrival_id: UUID
    at: datetime


def of_form(tenant: UUID, form: Form, answers: Answers, nonce: str) -> bytes:
    """The key of a submission: the same nonce with the same answers is the same one.

    The same nonce with other answers is another submission: the visitor went back and corrected them.
    """
    return digest("nonce", tenant, form.code, nonce, answers)


def of_visit(tenant: UUID, form: Form, nonce: str) -> bytes:
    """What all submissions of one nonce have in common."""
    return digest("visit", tenant, form.code, nonce)


def of_call(tenant: UUID, trigger: str, key: str) -> bytes:
    return digest("call", tenant, trigger, key)


def content_of(body: Mapping[str, Any]) -> bytes:
    return digest("content", body)


def has_effect(verdict: ArrivalVerdict, *, commented: bool) -> bool:
    """Whether an arrival keeps its key; `commented`: it wrote into a timeline, whatever became of the move."""
    return commented or verdict in EFFECTS


def digest(*parts: Any) -> bytes:
    """A hash of JSON values: shows only whether they are the same."""
    return hashlib.sha256(orjson.dumps(parts, default=str, option=orjson.OPT_SORT_KEYS)).digest()
