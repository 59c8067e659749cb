"""Rules that create contacts and companies."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field, JsonValue

from contracts.clients import CompanyFields, ContactFields
from contracts.contexts import CompanyContext, ContactContext
from contracts.issues import Issue
from contracts.item_types import TypeFilter
from contracts.messages.client_commands import CreateCompany, CreateContact
from rule_engine.domain.actions import ActionContext, AuthoringContext, Group, Outputs, Params, RuleType
from rule_engine.domain.language.limits import Cut
from rule_engine.rules.client_fields import ClientValue, assignments, client_cuts, client_issues
from rule_engine.rules.field_values import pairs

_KINDS: tuple[TypeFilter, ...] = ("lead", "deal")
Values = Annotated[tuple[ClientValue, ...], Field(min_length=1, max_length=100)]


class CreateContactParams(Params):
    fields: Values
    link: bool = True
    """Whether the new contact becomes one of the item's, behind those that there are."""


class CreatedContact(Outputs):
    """The new contact."""

    contact_id: UUID


class CreateContactRule(RuleType[CreateContactParams]):
    """A new contact, also when another one has the same addresses."""

    type = "create_contact"
    title = "Create a contact"
    group: ClassVar[Group] = "items"
    kinds: ClassVar[tuple[TypeFilter, ...]] = _KINDS
    params = CreateContactParams
    outputs = CreatedContact

    def act(self, params: CreateContactParams, acting: ActionContext) -> CreateContact:
        return acting.command(CreateContact, assignments=assignments(params.fields), linked=params.link)

    def cuts_in(self, params: Mapping[str, JsonValue]) -> Iterable[Cut]:
        return client_cuts(params)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return client_issues(params, context, ContactFields, ContactContext)


class CreateCompanyParams(Params):
    fields: Values
    """Its `title`, and others."""
    link: bool = True
    """Whether the new company becomes the item's, in place of the one that there is."""


class CreatedCompany(Outputs):
    """The new company."""

    company_id: UUID


class CreateCompanyRule(RuleType[CreateCompanyParams]):
    """A new company."""

    type = "create_company"
    title = "Create a company"
    group: ClassVar[Group] = "items"
    kinds: ClassVar[tuple[TypeFilter, ...]] = _KINDS
    params = CreateCompanyParams
    outputs = CreatedCompany

    def act(self, params: CreateCompanyParams, acting: ActionContext) -> CreateCompany:
        return acting.command(CreateCompany, assignments=assignments(params.fields), linked=params.link)

    def cuts_in(self, params: Mapping[str, JsonValue]) -> Iterable[Cut]:
        return client_cuts(params)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        yield from client_issues(params, context, CompanyFields, CompanyContext)
        written, named = params.get("fields"), [name for _, name, _ in pairs(params)]
        if isinstance(written, list) and len(named) == len(written) and "title" not in named:
            yield Issue("fields", "a company has a title: give it one")


RULES: tuple[RuleType[Any], ...] = (CreateContactRule(), CreateCompanyRule())
