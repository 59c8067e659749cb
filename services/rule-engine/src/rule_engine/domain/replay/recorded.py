"""What was recorded of a decision, and which values can be known from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.envelope import rfc3339

_OF_LISTS = ("first", "last", "size")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision as it was recorded. `snapshot` is the item of a rule that was due on entry, which saw no other."""

    item_id: UUID
    run_id: UUID
    step: int
    block: bool
    """Whether a block that is no rule has decided, which has chosen `choice`, or failed."""
    rule_id: str
    rule: str
    version: int
    stage: str
    at: datetime
    state: str
    choice: str | None
    reason: str | None
    sent: bool
    """Whether it sent a command."""
    seen: Mapping[str, Any]
    snapshot: Mapping[str, Any] | None = None

    @property
    def seed(self) -> str:
        """Of chance: that of the rule's first attempt, for both versions."""
        return f"{self.run_id}/{self.step}/0"


@dataclass(frozen=True, slots=True)
class EnteredStage:
    """An entry into a stage, for rules that were not there yet."""

    item_id: UUID
    stage: str
    at: datetime
    snapshot: Mapping[str, Any]


class _Partial(dict[str, Any]):
    """An object of which some keys are known alone."""


class KnownValues:
    """Values as they were named when something was decided, as far as they were recorded.

    `tenant` are its settings, in whose language and zone texts are made, as they are now.
    """

    def __init__(
        self,
        at: datetime,
        tenant: Mapping[str, Any],
        seen: Mapping[str, Any],
        snapshot: Mapping[str, Any] | None = None,
        seed: str = "",
    ) -> None:
        today = at.astimezone(ZoneInfo(tenant["time_zone"])).date().isoformat()
        self._tree = _Partial(now=rfc3339(at), today=today, tenant=dict(tenant), seed=seed)
        if snapshot is not None:
            self._tree["item"] = dict(snapshot)
        for path, value in sorted(seen.items()):
            if not _is_cut(value) and not (value is None and _goes_into_a_list(path)):
                self._put(path.split("."), value)

    def _put(self, keys: list[str], value: Any) -> None:
        node: Any = self._tree
        for key in keys[:-1]:
            if not isinstance(node, _Partial):
                return  # a value around it was recorded whole
            node = node.setdefault(key, _Partial())
        if isinstance(node, _Partial) and (keys[-1] not in node or isinstance(node[keys[-1]], _Partial)):
            node[keys[-1]] = value

    def unknown(self, paths: Iterable[str]) -> list[str]:
        """Those of the paths whose values were not recorded."""
        return sorted(path for path in paths if not self._knows(path.split(".")))

    def _knows(self, keys: list[str]) -> bool:
        node: Any = self._tree
        for key in keys:
            if not isinstance(node, _Partial):
                return True
            if key not in node:
                return False
            node = node[key]
        return not isinstance(node, _Partial)

    def values(self) -> dict[str, Any]:
        """As authors name them; a field that was empty is absent, as it was."""
        return _plain(self._tree, ())


def _plain(node: Mapping[str, Any], above: tuple[str, ...]) -> dict[str, Any]:
    return {
        key: _plain(value, (*above, key)) if isinstance(value, _Partial) else value
        for key, value in node.items()
        if value is not None or above != ("item", "fields")
    }


def _is_cut(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"not_kept"}


def _goes_into_a_list(path: str) -> bool:
    """What is recorded at such a path is null whatever it was."""
    return any(key.isdecimal() or key in _OF_LISTS for key in path.split("."))
