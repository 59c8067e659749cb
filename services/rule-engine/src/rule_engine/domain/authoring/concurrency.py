"""Concurrency keys of workflows: what a key can name, and what it is for a start."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from contracts.budget import BudgetError, spending
from contracts.envelope import rfc3339
from contracts.issues import Issue
from contracts.texts import MAX_TITLE
from contracts.values import ItemSnapshot
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.domain.authoring.value_checks import value_issues
from rule_engine.domain.authoring.workflow_document import Policy, WorkflowDocument
from rule_engine.domain.authoring.workflow_starts import BadStartError
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.value_types import Shape
from rule_engine.domain.language.values import analyse, resolve

WHERE = "concurrency.key"
NAMED = ("item", "param", "const")
"""What is known when a workflow starts."""
ABSENT = "a concurrency key names the item, parameters and the workflow's own constants alone"
MAX_QUEUED = 100
"""Runs of one key that wait their turn."""


def key_issues(document: WorkflowDocument, names: Shape) -> Iterator[RuleIssue]:
    """What is wrong with the key of a workflow in which `names` can be named."""
    if document.concurrency is None:
        return
    absent = dict.fromkeys(names.fields.keys() - set(NAMED), ABSENT)
    shapes = {name: names.fields[name] for name in NAMED}
    own = {name: shapes["const"].fields[name] for name in document.constants}
    shapes["const"] = Shape("object", own, absent=dict.fromkeys(shapes["const"].fields.keys() - own.keys(), ABSENT))
    known = Shape("object", shapes, absent=absent)
    try:
        with spending():
            analyse({"key": document.concurrency.key})
    except (BudgetError, ValueFailureError) as error:
        yield RuleIssue(WHERE, None, str(error))
        return
    for what in value_issues(document.concurrency.key, known):
        yield RuleIssue(WHERE, None, what)


def key_of(
    document: WorkflowDocument, item: ItemSnapshot, parameters: Mapping[str, JsonValue], now: datetime
) -> str | None:
    """The key of a start; null: it has none. Raises `BadStartError`."""
    if document.concurrency is None:
        return None
    constants = {name: one.value for name, one in document.constants.items()}
    values = {"item": item.model_dump(mode="json"), "param": parameters, "const": constants, "now": rfc3339(now)}
    try:
        with spending():
            made = resolve({"key": document.concurrency.key}, values)["key"]
    except (BudgetError, ValueFailureError) as error:
        raise BadStartError(Issue(WHERE, str(error).removeprefix("params.key: "))) from error
    if isinstance(made, dict | list):
        raise BadStartError(Issue(WHERE, "the key is one value, not several"))
    if len(key := "" if made is None else str(made).strip()) > MAX_TITLE:
        raise BadStartError(Issue(WHERE, f"the key is longer than {MAX_TITLE} characters"))
    return key or None


def refusal_of(policy: Policy, workflow: str, key: str, line: Sequence[UUID]) -> str | None:
    """Why a run is not started while those of `line` have not ended, the one that goes on first; null: it is."""
    if line and policy == "refuse":
        return f"run {line[0]} of workflow {workflow!r} goes on for the key {key!r}"
    if len(line) > MAX_QUEUED:
        waiting = f"{len(line) - 1} runs of workflow {workflow!r} wait for the key {key!r}"
        return f"{waiting}: no more can, until run {line[0]} has ended"
    return None
