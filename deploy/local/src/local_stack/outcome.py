"""What became of a document that was applied, for people: its state, issues of its draft, warnings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local_stack.apply import Document, lines_of
from local_stack.plan import Planned

type Json = Mapping[str, Any]


def state(planned: Planned, answer: Json) -> str:
    """`published rule-set/sales (version 3): stages`, `unchanged pipeline/sales`; `answer` is the service's."""
    if planned.change == "same":
        return f"unchanged {planned.document.name}{_unseen(planned)}"
    done = _of_version(answer) or {"create": "created", "change": "changed"}[planned.change]
    version = f" (version {answer['version']})" if "version" in answer else ""
    fields = f": {', '.join(planned.fields)}" if planned.fields else ""
    return f"{done} {planned.document.name}{version}{fields}"


def _of_version(answer: Json) -> str | None:
    """What has versions is a draft, or it is published."""
    if "published_version" in answer:
        return "published" if answer["published_version"] == answer["version"] else "draft"
    return answer.get("status")


def _unseen(planned: Planned) -> str:
    return f" ({', '.join(planned.unseen)} put again, it cannot be compared)" if planned.unseen else ""


def issues(document: Document, answer: Json) -> Sequence[str]:
    """What keeps a draft from being published, a line each."""
    return list(_lines(document, answer, "issues"))


def warnings(document: Document, answer: Json) -> Sequence[str]:
    """Probable mistakes that do not block publishing, a line each."""
    return list(_lines(document, answer, "warnings"))


def _lines(document: Document, answer: Json, key: str) -> Iterator[str]:
    return (f"{document.file}:{document.name}: {line}" for line in lines_of(answer.get(key) or ()))
