"""What the work at hand is about: ids that every log record and the present span carry.

Set at the edges (a message, a request, a run, a piece of leased work), so that nothing in between has to name them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from opentelemetry import trace

from contracts.envelope import Envelope
from contracts.topics import item_of

_ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default={})  # noqa: B039 - never changed in place


@contextmanager
def about(**ids: object) -> Iterator[None]:
    """Log records inside carry these ids, and so does the present span; nulls are left out."""
    before = _ids.set(_ids.get())
    try:
        note(**ids)
        yield
    finally:
        _ids.reset(before)


def note(**ids: object) -> None:
    """Adds ids to the innermost `about`."""
    texts = {name: str(id) for name, id in ids.items() if id is not None}
    _ids.set({**_ids.get(), **texts})
    trace.get_current_span().set_attributes(texts)


def present_ids() -> Mapping[str, str]:
    return _ids.get()


def message_ids(message: Envelope[Any] | None) -> dict[str, object]:
    """The ids that a message carries. Only commands and their results carry a rule."""
    if message is None:
        return {}
    rule = message.causepath[-1].rule_id if message.issuer and message.causepath else None
    ids = {"ce_id": message.id, "ce_type": message.type, "tenant_id": message.tenant}
    return {**ids, "causation_id": message.causation, "item_id": item_of(message.key), "rule_id": rule}
