"""Rules that set fields of the item's contacts and of its company."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue

from contracts.clients import CompanyFields, ContactFields
from contracts.conditions import Condition
from contracts.contexts import CompanyContext, ContactContext, Part
from contracts.issues import Issue
from contracts.item_types import ItemPart
from contracts.messages.client_commands import UpdateCompany, UpdateContacts
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Failure,
    Group,
    Outputs,
    Params,
    Refusal,
    RuleType,
)
from rule_engine.domain.language.limits import Cut
from rule_engine.domain.language.values import WHERE
from rule_engine.rules.client_fields import ClientAssignment, assignments, client_cuts, client_issues


class UpdateClientParams(Params):
    which: Literal["first", "all", "matching"] = "first"
    where: Condition | None = None
    """With `matching`: only those who meet it; it names each of them `each`, such as `each.last_name`."""
    fields: Annotated[tuple[ClientAssignment, ...], Field(min_length=1, max_length=100)]


def _chosen(
    params: UpdateClientParams, acting: ActionContext, candidates: Sequence[Any], what: str
) -> list[int] | Refusal | Failure:
    """Which of the item's clients are meant, or why nobody is."""
    if misfit := _misfit(params.which, params.where):
        return Failure(f"where: {misfit}")
    if not candidates:
        return Refusal(f"the item has no {what}")
    found = acting.chosen(params.where, candidates)
    if not found:
        return Refusal(f"no {what} of the item meets the condition")
    return found[:1] if params.which == "first" else found


def _misfit(which: object, where: object) -> str | None:
    """Why the condition does not belong to what is chosen; null when it does, or when that is not known yet."""
    if which not in ("first", "all", "matching") or (which == "matching") == (where is not None):
        return None
    return "say in a condition which ones are meant" if where is None else "is only for `which: matching`"


def _issues(params: Mapping[str, JsonValue]) -> Iterable[Issue]:
    if what := _misfit(params.get("which", "first"), params.get(WHERE)):
        yield Issue(WHERE, what)


class UpdatedContacts(Outputs):
    """Who they were."""

    contact_ids: tuple[str, ...]


class UpdateContact(RuleType[UpdateClientParams]):
    """New values for fields of the item's contacts: the first, all, or those who meet a condition. Refused when there
    are none.
    """

    type = "update_contact"
    title = "Change fields of the contact"
    group: ClassVar[Group] = "items"
    of_parts: ClassVar[tuple[ItemPart, ...]] = ("clients",)
    needs: ClassVar[tuple[Part, ...]] = ("contacts",)
    chooses_of: ClassVar[str | None] = "contacts"
    params = UpdateClientParams
    outputs = UpdatedContacts

    def act(self, params: UpdateClientParams, acting: ActionContext) -> UpdateContacts | Refusal | Failure:
        found = _chosen(params, acting, acting.values["contacts"], "contact")
        if not isinstance(found, list):
            return found
        ids = tuple(acting.context.contacts[at].id for at in found)
        return acting.command(UpdateContacts, contact_ids=ids, assignments=assignments(params.fields))

    def cuts_in(self, params: Mapping[str, JsonValue]) -> Iterable[Cut]:
        return client_cuts(params)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        yield from _issues(params)
        yield from client_issues(params, context, ContactFields, ContactContext)


class UpdatedCompany(Outputs):
    """Which company it was."""

    company_id: str


class UpdateCompanyRule(RuleType[UpdateClientParams]):
    """New values for fields of the item's company, with a condition only if it meets that. Refused when there is none.

    An item has one company, so `first` and `all` mean the same.
    """

    type = "update_company"
    title = "Change fields of the company"
    group: ClassVar[Group] = "items"
    of_parts: ClassVar[tuple[ItemPart, ...]] = ("clients",)
    needs: ClassVar[tuple[Part, ...]] = ("company",)
    chooses_of: ClassVar[str | None] = "company"
    params = UpdateClientParams
    outputs = UpdatedCompany

    def act(self, params: UpdateClientParams, acting: ActionContext) -> UpdateCompany | Refusal | Failure:
        companies = [acting.context.company] if acting.context.company else []
        found = _chosen(params, acting, [acting.values["company"]] * len(companies), "company")
        if not isinstance(found, list):
            return found
        return acting.command(UpdateCompany, company_id=companies[0].id, assignments=assignments(params.fields))

    def cuts_in(self, params: Mapping[str, JsonValue]) -> Iterable[Cut]:
        return client_cuts(params)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        yield from _issues(params)
        yield from client_issues(params, context, CompanyFields, CompanyContext)


RULES: tuple[RuleType[Any], ...] = (UpdateContact(), UpdateCompanyRule())
