"""A rule that makes something else of the item."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.item_types import TypeFilter
from contracts.messages.link_commands import TARGETS, ConvertItem, Target
from contracts.values import Code, ItemKind
from rule_engine.domain.actions import ActionContext, AuthoringContext, Group, Outputs, Params, Place, RuleType, literal
from rule_engine.rules.places import place_issues, place_of

_KINDS: Mapping[str, ItemKind] = {"deal": "deal", "quote": "quote", "invoice": "invoice"}
"""The targets that are items."""


class CreateFromSourceParams(Params):
    target: Target
    """Of a lead a deal, contact or company; of a deal an invoice or quote; of a quote a deal or invoice."""
    pipeline: Code | None = None
    """By default the first one for the target."""
    stage: Code | None = None
    """By default the pipeline's first stage."""
    keep_activities_open: bool = True
    """Whether what is planned for the item stays open; if not, it is completed."""


class MadeOfSource(Outputs):
    """What was made; `not_carried` names what of the item was not carried over, and why."""

    item_id: UUID | None
    contact_id: UUID | None
    company_id: UUID | None
    not_carried: tuple[str, ...]


class CreateFromSource(RuleType[CreateFromSourceParams]):
    """Makes an item or a client of the item: with its clients, products, and every field of the same code.

    An invoice expects its payment. Refused where there is no amount to pay, and where a lead has a company already.
    """

    type = "create_from_source"
    title = "Create from this item"
    group: ClassVar[Group] = "items"
    kinds: ClassVar[tuple[TypeFilter, ...]] = ("lead", "deal", "quote")
    params = CreateFromSourceParams
    outputs = MadeOfSource

    def act(self, params: CreateFromSourceParams, acting: ActionContext) -> ConvertItem:
        return acting.command(ConvertItem, **dict(params))

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        target, source = literal(params.get("target")), context.pipeline.kind
        possible = TARGETS.get(source, ())
        if target is None:
            return
        if target not in possible:
            yield Issue("target", f"of a {source} can be made: {', '.join(possible)}")
        elif target in _KINDS:
            yield from place_issues(params, context, _KINDS[target])
        else:
            places = (name for name in ("pipeline", "stage") if params.get(name) is not None)
            yield from (Issue(name, f"a {target} is in no {name}: leave it out") for name in places)

    def leads_to(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Place | None:
        kind = _KINDS.get(literal(params.get("target")) or "")
        return place_of(params, context, kind, None) if kind else None


RULES: tuple[RuleType[Any], ...] = (CreateFromSource(),)
