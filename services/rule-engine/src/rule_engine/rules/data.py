"""What rules that keep values share."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from contracts.issues import Issue, unknown
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    literal,
)
from rule_engine.domain.language.variables import Assigned, MisfitError, fitting


def assignment(code: str, value: JsonValue, acting: ActionContext) -> Assigned:
    definition = acting.stored.variable(code)
    if definition is None:
        raise MisfitError(f"there is no variable {code!r}")
    return Assigned(
        code, definition.document.scope, fitting(value, definition.document, acting.context.tenant.time_zone)
    )


def variable_issues(
    written: Mapping[str, JsonValue], value: str, context: AuthoringContext, where: str
) -> Iterator[Issue]:
    code = literal(written.get("variable"))
    known = {
        one.code: one for one in context.definitions if one.group == "variable" and one.visible(context.pipeline.kind)
    }
    if code is None:
        return
    if code not in known:
        yield Issue(f"{where}variable", unknown("variable", code, known))
        return
    match written.get(value):
        case str(text) if literal(text) is None:
            return
        case {"path": _} | {"expr": _}:
            return
        case {"const": constant}:
            plain: JsonValue = constant
        case plain:
            pass
    try:
        fitting(plain, known[code].document)
    except MisfitError as error:
        yield Issue(f"{where}{value}", f"{code} {error}")
