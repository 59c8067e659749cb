"""A rule that changes requisites of a client."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, JsonValue, ValidationError

from contracts.contexts import Part
from contracts.issues import Issue, issues_of, unknown
from contracts.item_types import ItemPart
from contracts.messages.party_commands import ChangeRequisites
from contracts.requisites import FIELDS, AddressFields, names_of
from rule_engine.domain.actions import ActionContext, AuthoringContext, Failure, Group, Outputs, Refusal, RuleType
from rule_engine.rules.requisites import PartyParams, needs_of, party_issues, party_of, template_in


class ChangeRequisitesParams(PartyParams):
    fields: Annotated[dict[str, JsonValue], Field(min_length=1, max_length=100)]
    """The new values by name: `tax_number`, `registered_on`, …, or of the address `street`, `city`, …; null empties."""


class ChangedRequisites(Outputs):
    """The names of what changed, such as `organisation.tax_number`."""

    changed: tuple[str, ...]


class ChangeRequisitesRule(RuleType[ChangeRequisitesParams]):
    """New values for requisites of the item's contact or company, which has them from now on if it had none.

    Refused for an item without such a client, when no contact meets the condition, and for a number that cannot be one.
    """

    type = "change_requisites"
    title = "Change requisites"
    group: ClassVar[Group] = "documents"
    of_parts: ClassVar[tuple[ItemPart, ...]] = ("clients",)
    chooses_of: ClassVar[str | None] = "contacts"
    params = ChangeRequisitesParams
    outputs = ChangedRequisites

    def act(self, params: ChangeRequisitesParams, acting: ActionContext) -> ChangeRequisites | Refusal | Failure:
        party = party_of(params, acting)
        if isinstance(party, Refusal | Failure):
            return party
        given = params.model_dump(exclude={"fields", "where"})
        return acting.command(ChangeRequisites, **given, party_id=party.id, values=params.fields)

    def needs_with(self, params: Mapping[str, JsonValue]) -> Collection[Part]:
        return needs_of(params)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        yield from party_issues(params)
        template, written = template_in(params), params.get("fields")
        if template is None or not isinstance(written, dict):
            return
        known = names_of(template)
        for name, value in written.items():
            if name not in known:
                yield Issue(f"fields.{name}", unknown("requisite field", name, known))
            else:
                model = AddressFields if name in AddressFields.model_fields else FIELDS[template]
                yield from _value_issues(model, name, value)


def _value_issues(model: type[BaseModel], name: str, value: JsonValue) -> Iterator[Issue]:
    """What is wrong with a value that is the same whatever the item."""
    match value:
        case {"const": given}:
            pass
        case str() if "{" not in value:
            given = value
        case int() | list():
            given = value
        case _:
            return
    try:
        model.model_validate({} if given is None else {name: given})
    except ValidationError as error:
        yield from (Issue(f"fields.{name}", what) for _, what in issues_of(error))


RULES: tuple[RuleType[Any], ...] = (ChangeRequisitesRule(),)
