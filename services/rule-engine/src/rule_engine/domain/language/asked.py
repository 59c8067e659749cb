"""Values that people are asked for: the parameters of a start by hand, the fields of an assignment."""

from collections.abc import Mapping

from pydantic import JsonValue

from contracts.issues import Issue
from rule_engine.domain.errors import EngineError
from rule_engine.domain.language.variables import ConstantDocument, MisfitError, fitting


class AskedDocument(ConstantDocument):
    """One value that is asked for; `value` is the default."""

    required: bool = False


class MisfitsError(EngineError):
    """Values that do not fit what is asked for; `issues` say why, by place."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__("; ".join(map(str, issues)))
        self.issues = issues


def fitting_values(
    asked: Mapping[str, AskedDocument], given: Mapping[str, JsonValue], where: str, what: str
) -> dict[str, JsonValue]:
    """Every value that is asked for, as its type keeps it; what is not given has its default.

    Raises `MisfitsError`, whose issues are below `where`; `what` asks for the values, for people: `the workflow`.
    """
    made: dict[str, JsonValue] = {}
    issues = [Issue(f"{where}.{name}", f"{what} has no such value") for name in sorted(given.keys() - asked.keys())]
    for name, document in asked.items():
        try:
            made[name] = fitting(given.get(name, document.value), document)
        except MisfitError as error:
            issues.append(Issue(f"{where}.{name}", str(error)))
            continue
        if document.required and made[name] in (None, []):
            issues.append(Issue(f"{where}.{name}", "is required"))
    if issues:
        raise MisfitsError(*issues)
    return made
