"""`/v1/assignments`: what employees are asked for by workflows, and their answers."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field, JsonValue

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Database
from contracts.kit.http import (
    Newest,
    Page,
    Problem,
    bad_input,
    conflict,
    etag,
    if_match,
    json_response,
    not_found,
)
from contracts.kit.routes import Paged, found
from contracts.values import Code
from rule_engine.api.problems import needing_entity_service
from rule_engine.application.assignments import (
    AssignmentActions,
    NoSuchAssignmentError,
    Person,
    SeenOtherVersionError,
)
from rule_engine.domain.errors import RunError
from rule_engine.domain.execution.assignments import (
    MAX_COMMENT,
    Answer,
    AssignmentKind,
    Choice,
    CommentRequired,
)
from rule_engine.domain.language.asked import AskedDocument, MisfitsError
from rule_engine.store.assignments import Assignment, Assignments, AssignmentState, Filter

Whose = Annotated[UUID | None, Query(description="an employee's, for operators; by default the caller's own")]
Everybody = Annotated[bool, Query(description="those of all employees, for operators")]


class AnswerInput(Input):
    """An answer: one of the assignment's `choices`, with the values of its form."""

    choice: Choice
    comment: Annotated[str, Field(max_length=MAX_COMMENT)] = ""
    values: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)


class DelegateInput(Input):
    """The code or id of the employee who is to answer."""

    to: Code


class AnswerView(BaseModel):
    """What was answered; `by` is who sent it, an operator in the place of the assignee, too."""

    choice: Choice
    comment: str
    values: dict[str, JsonValue]
    by: str


class AssignmentView(BaseModel):
    """One assignment: what is asked for, and how it stands. `version` is what `If-Match` of an answer expects."""

    id: UUID
    kind: AssignmentKind
    subject: str
    text: str
    choices: list[Choice]
    fields: dict[str, AskedDocument]
    comment_required: CommentRequired
    may_delegate: bool
    item_id: UUID
    workflow: str
    run_id: UUID
    block: str
    asked: UUID
    assignee: UUID
    on_behalf_of: UUID | None
    """The assignee, who is absent and for whom the caller answers; null: the caller's own, or seen as an operator."""
    due_at: AwareDatetime | None
    state: AssignmentState
    answer: AnswerView | None
    created_at: AwareDatetime
    ended_at: AwareDatetime | None
    version: int


def router(database: Database, assignments: Assignments, actions: AssignmentActions) -> APIRouter:
    """Employees have their own; operators see all, and answer for others."""
    routes = APIRouter(prefix="/v1/assignments", tags=["assignments"])

    @routes.get("")
    async def list_assignments(  # noqa: PLR0913 - the filters of a list
        paging: Paged,
        state: AssignmentState = "open",
        assignee: Whose = None,
        everybody: Everybody = False,
        item_id: UUID | None = None,
        workflow: Code | None = None,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[AssignmentView]:
        """Newest first; the caller's own that are open, and of those for whom they answer, unless asked otherwise."""
        who = await _person(actions, caller)
        wanted = Filter(state, _whose(who, assignee, everybody=everybody), item_id, workflow)
        async with database.transaction(caller.tenant) as tx:
            rows = await assignments.page(tx, caller.tenant, wanted, paging.after(Newest), paging.rows)
        return paging.page(rows, lambda one: (one.created_at, one.id), lambda one: _view(one, who))

    @routes.get("/{assignment_id}", response_model=AssignmentView)
    async def get_assignment(assignment_id: UUID, caller: Caller = require(Role.VIEWER)) -> Response:
        """One of the caller's own; any for operators. Its `ETag` is what `If-Match` of an answer expects."""
        async with database.transaction(caller.tenant) as tx:
            one = await assignments.get(tx, caller.tenant, assignment_id)
        who = await _person(actions, caller)
        return _answered(found(one if one and who.may_see(one) else None, "such assignment"), who)

    _add_answers(routes, actions)
    return routes


def _add_answers(routes: APIRouter, actions: AssignmentActions) -> None:
    @routes.post("/{assignment_id}/answer", response_model=AssignmentView)
    async def answer_assignment(
        request: Request, assignment_id: UUID, body: AnswerInput, caller: Caller = require(Role.VIEWER)
    ) -> Response:
        """Answers one of the caller's own, or of somebody absent for whom they answer; operators answer for anybody.
        Answers for others are recorded. Demands `If-Match`.
        """
        seen, answer = if_match(request), Answer(**body.model_dump())
        who = await _person(actions, caller)
        with _refusals_as_problems():
            return _answered(await actions.answer(who, assignment_id, answer, seen), who)

    @routes.post("/{assignment_id}/delegate", response_model=AssignmentView)
    async def delegate_assignment(
        request: Request, assignment_id: UUID, body: DelegateInput, caller: Caller = require(Role.VIEWER)
    ) -> Response:
        """Passes it on to a colleague, where the workflow allows it; operators always can. Demands `If-Match`."""
        seen, who = if_match(request), await _person(actions, caller)
        with _refusals_as_problems(), needing_entity_service("the employees"):
            return _answered(await actions.delegate(who, assignment_id, body.to, seen), who)


async def _person(actions: AssignmentActions, caller: Caller) -> Person:
    operator = caller.has(Role.OPERATOR)
    return await actions.person(caller.tenant, caller.subject, _employee(caller), operator=operator)


def _employee(caller: Caller) -> UUID | None:
    try:
        return UUID(caller.subject)
    except ValueError:
        return None


def _whose(who: Person, assignee: UUID | None, *, everybody: bool) -> tuple[UUID, ...] | None:
    """Whose assignments are listed; null: everybody's."""
    if (everybody or assignee not in (None, *who.whose)) and not who.operator:
        raise Problem(403, "Forbidden", "this needs the role operator: others list their own assignments alone")
    if everybody or assignee is not None:
        return None if assignee is None else (assignee,)
    if who.employee is None:
        raise Problem(403, "Forbidden", "the token's subject is no employee: only employees have assignments")
    return who.whose


@contextmanager
def _refusals_as_problems() -> Generator[None]:
    try:
        yield
    except NoSuchAssignmentError as error:
        raise not_found("such assignment") from error
    except MisfitsError as error:
        raise bad_input("the assignment stays open", *error.issues) from error
    except SeenOtherVersionError as error:
        raise Problem(412, "Precondition failed", str(error), headers={"ETag": etag(error.version)}) from error
    except RunError as error:
        raise conflict(str(error)) from error


def _answered(one: Assignment, who: Person) -> Response:
    return json_response(_view(one, who), headers={"etag": etag(one.version)})


def _view(one: Assignment, who: Person) -> AssignmentView:
    ask, answer = one.ask, one.answer
    own = {name: getattr(one, name) for name in AssignmentView.model_fields.keys() & set(Assignment.__slots__)}
    asked = {"choices": list(ask.choices)} | {
        name: getattr(ask, name) for name in ("kind", "subject", "text", "fields", "comment_required", "may_delegate")
    }
    said = None if answer is None else AnswerView(**answer.model_dump(), by=one.answered_by or "")
    for_another = one.assignee if one.assignee in who.substitute_for else None
    return AssignmentView(**own | asked | {"answer": said, "on_behalf_of": for_another})
