"""Runs with concurrency keys that have not ended, as `keyed_runs` has them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from pydantic import JsonValue

from contracts.issues import Issue
from rule_engine.domain.authoring.concurrency import key_of, refusal_of
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.authoring.workflow_starts import BadStartError
from rule_engine.domain.execution.planning import OpenRun

type _Key = tuple[str, str]


class Lines[R]:
    """Of each workflow and key (code, key): the run that goes on, and those behind it in the order of their starts."""

    def __init__(self) -> None:
        self._lines: dict[_Key, dict[UUID, R]] = {}
        self._keys: dict[UUID, _Key] = {}

    def place(
        self, document: WorkflowDocument, code: str, run: OpenRun, parameters: Mapping[str, JsonValue], kept: R
    ) -> Sequence[R]:
        """Puts a run into the line of its key, if it has one; `kept` stands for it. Returns those that it replaces.

        Raises `BadStartError` when it is refused.
        """
        key = key_of(document, run.entry.snapshot, parameters, run.entry.entered_at)
        if key is None or document.concurrency is None:
            return ()
        line = self._lines.setdefault((code, key), {})
        if refusal := refusal_of(document.concurrency.policy, code, key, list(line)):
            raise BadStartError(Issue("concurrency.key", refusal))
        earlier = list(line.values())
        line[run.id], self._keys[run.id] = kept, (code, key)
        return earlier if document.concurrency.policy == "replace" else ()

    def is_queued(self, id: UUID) -> bool:
        return id in self._keys and next(iter(self._lines[self._keys[id]])) != id

    def leave(self, id: UUID) -> R | None:
        """Takes a run out; returns the one that begins now, if any."""
        if (key := self._keys.pop(id, None)) is None:
            return None
        line = self._lines[key]
        was_first = next(iter(line)) == id
        del line[id]
        if not line:
            del self._lines[key]
        return next(iter(line.values()), None) if was_first else None
