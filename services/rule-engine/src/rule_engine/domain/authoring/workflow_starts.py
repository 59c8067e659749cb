"""What starts a workflow: which events do it by themselves, and with which parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.messages.entity_events import FieldsChanged, StageChanged
from contracts.values import ItemSnapshot
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.errors import NotMovableError
from rule_engine.domain.language.asked import MisfitsError, fitting_values
from rule_engine.domain.language.variables import ConstantDocument

AUTOMATION = ("rule:", "workflow:", "trigger:")
"""How the names begin of what changes items by itself."""


class BadStartError(Exception):
    """A workflow cannot be started so; `issues` say why, by place."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__("; ".join(what for _, what in issues))
        self.issues = issues


def runs_on(document: WorkflowDocument, item: ItemSnapshot) -> bool:
    return document.kind == item.kind and document.pipeline in (None, item.pipeline)


def is_started_by(document: WorkflowDocument, data: StageChanged | FieldsChanged) -> bool:
    """Whether an event of an item starts the workflow by itself."""
    autorun = document.autorun
    if not runs_on(document, data.item):
        return False
    if isinstance(data, StageChanged):
        created = data.entry_seq == 1
        wanted = autorun.on_create if created else autorun.on_change
        imported = not data.automation
    else:
        wanted, imported = autorun.on_change, False
    automatic = data.changed_by.startswith(AUTOMATION)
    return wanted and (autorun.by_import or not imported) and (autorun.by_automation or not automatic)


def default_parameters(document: WorkflowDocument) -> dict[str, JsonValue]:
    return {name: one.value for name, one in document.parameters.items()}


def parameters_of(document: WorkflowDocument, given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The parameters of a start, each as its type keeps it. Raises `BadStartError`."""
    try:
        return fitting_values(document.parameters, given, "parameters", "the workflow")
    except MisfitsError as error:
        raise BadStartError(*error.issues) from error


@dataclass(frozen=True, slots=True)
class NewValues:
    """What a run has to be given when it goes on in a later version."""

    parameters: Mapping[str, JsonValue]
    variables: Mapping[str, JsonValue]


def new_values(before: WorkflowDocument, after: WorkflowDocument) -> NewValues:
    """The defaults of parameters and the first values of variables that only the later version has.

    Raises `NotMovableError` when a parameter has none, or when one has another type there.
    """
    for name, one in after.parameters.items():
        if name not in before.parameters and one.required and one.value in (None, []):
            raise NotMovableError(f"parameter {name} is required there, and the run was started without it")
    return NewValues(
        _added("parameter", before.parameters, after.parameters),
        _added("variable", before.variables, after.variables),
    )


def _added(
    what: str, before: Mapping[str, ConstantDocument], after: Mapping[str, ConstantDocument]
) -> dict[str, JsonValue]:
    for name in before.keys() & after.keys():
        if (before[name].type, before[name].multiple) != (after[name].type, after[name].multiple):
            raise NotMovableError(f"{what} {name} is of another type there")
    return {name: one.value for name, one in after.items() if name not in before}
