"""What versions of rule sets and workflows have in common: how they are shown, and what is refused of them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.inputs import Input
from contracts.kit.http import Problem, bad_input, conflict, not_found
from rule_engine.api.problems import needing_entity_service
from rule_engine.application.publishing import NothingToPublishError
from rule_engine.application.rule_set_checks import InvalidRuleSetError
from rule_engine.domain.authoring.editing import NotThereError
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.domain.errors import TakenError
from rule_engine.store.versions import VersionStatus

Wanted = Literal["draft", "newest"] | int
"""A version by its number, the draft, or the newest published one."""
MAX_VERSION = 2**31 - 1


class RollBack(Input):
    """The published version that becomes the newest one again."""

    version: Annotated[int, Field(ge=1, le=MAX_VERSION)]


class IssueView(BaseModel):
    """What is wrong: where, in which rule, and what."""

    where: str
    rule: str | None
    what: str


class VersionView(BaseModel):
    """One version without its document."""

    model_config = ConfigDict(from_attributes=True)

    version: int
    status: VersionStatus
    created_by: str
    created_at: datetime
    published_by: str | None
    published_at: datetime | None


def number_of(newest: int | None, draft: int | None, wanted: Wanted | None) -> int | None:
    """The version that is meant; null when there is none."""
    match wanted:
        case "draft":
            return draft
        case "newest":
            return newest
        case None:
            return draft or newest
        case _:
            return wanted if 0 < wanted <= MAX_VERSION else None


@asynccontextmanager
async def refusals_as_problems(what: str) -> AsyncGenerator[None]:
    """Answers 404, 409, 422 or 503 for what authoring refuses."""
    try:
        with needing_entity_service("pipelines, fields and employees"):
            yield
    except InvalidRuleSetError as error:
        detail = f"{what} cannot be published; nothing was changed"
        raise Problem(
            422, "Invalid input", detail, errors=[issue_view(one).model_dump() for one in error.issues]
        ) from error
    except TakenError as error:
        raise conflict(str(error)) from error
    except NothingToPublishError as error:
        raise not_found(str(error)) from error
    except NotThereError as error:
        raise bad_input("nothing was changed", (error.where, str(error))) from error


def issue_view(issue: RuleIssue) -> IssueView:
    return IssueView(where=issue.where, rule=issue.rule, what=issue.what)
