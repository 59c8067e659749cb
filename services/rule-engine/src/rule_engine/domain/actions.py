"""What a rule type is: one class with its names, its parameters and outputs, and how it acts."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema

from contracts.conditions import Condition
from contracts.contexts import ItemContext, Part, PipelineSchema, TenantSchema
from contracts.envelope import Body
from contracts.issues import Issue
from contracts.item_types import ALL_TYPES, ItemPart, TypeFilter
from contracts.messages.entity_commands import ItemCommand
from contracts.named import ChannelName
from contracts.texts import MAX_NAME, MAX_TITLE
from contracts.values import Code, ItemKind
from rule_engine.domain.language import value_types
from rule_engine.domain.language.conditions import compiled
from rule_engine.domain.language.limits import Cut
from rule_engine.domain.language.value_types import Shape
from rule_engine.domain.language.variables import NOTHING_STORED, Assigned, Definition, Stored

Group = Literal["communication", "employees", "tasks", "repeat_sales", "documents", "items", "data", "workflows"]


class Params(BaseModel):
    """Parameters as they are when the rule acts: templates rendered, paths followed. Unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


Employee = Annotated[UUID, WithJsonSchema({"type": "string", "refers": "employee"})]
"""Authors write the code of an employee; publishing turns it into the id."""
ItemTypeCode = Annotated[ItemKind, Field(json_schema_extra={"refers": "item type"})]
RoomCode = Annotated[Code, Field(json_schema_extra={"refers": "room"})]
ListCode = Annotated[Code, Field(json_schema_extra={"refers": "list"})]
ResourceCode = Annotated[Code, Field(json_schema_extra={"refers": "resource"})]
"""Codes of what the tenant has; publishing refuses those that there are not (`domain.authoring.references`)."""
_LINE: dict[str, JsonValue] = {"longer": "is cut", "lines": "one"}
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE, json_schema_extra=_LINE)]
"""A title or subject: one that is too long when it is made is cut, since it is for people to recognise something by."""
Label = Annotated[str, Field(max_length=MAX_NAME, json_schema_extra=_LINE)]
"""The same for what is shorter, such as a tag."""
LONGER_IS_CUT: dict[str, JsonValue] = {"longer": "is cut"}
"""What the schema says of a text of several lines that is for people to read: the values in it may be any length."""
Employees = Annotated[tuple[Employee, ...], Field(max_length=100)]

type Place = tuple[str, str]
"""A pipeline and one of its stages."""
type ParamPath = tuple[str | int, ...]
"""The names and numbers that lead to a value inside parameters."""


class Outputs(BaseModel):
    """What later rules of the chain can use as `steps.<name>.<output>`."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rule cannot act for a business reason, such as a client without a phone; `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The rule fails for a reason that its author must know, such as no address of the wanted kind."""

    reason: str


@dataclass(frozen=True, slots=True)
class Completed:
    """The rule is done at once: its outputs, and the variables that it sets in the same transaction."""

    outputs: Outputs
    assigned: tuple[Assigned, ...] = ()


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What a rule can read at the moment it acts."""

    context: ItemContext
    """For a rule due on entry `context.item` is the snapshot of the entry, everything else is fresh."""
    now: datetime
    stage: str
    actor: str
    """Who the records say did it: `rule:<name>`."""
    guard: int | None
    """The `expect_entry_seq` of commands: null where leaving the stage does not cancel the rule."""
    entry_seq: int
    """The entry's own number; the guard that a move always carries."""
    values: Mapping[str, Any]
    """The context as authors name it, with `steps`, `now` and `today`."""
    run_id: UUID
    rule_id: str = ""
    """The same in later versions of the rule."""
    stored: Stored = NOTHING_STORED
    """Variables and constants."""

    def command[C: ItemCommand](self, command: type[C], **values: Any) -> C:
        """A command about the item, with the guard and the actor of this run unless `values` give others."""
        sent = {"item_id": self.context.item.id, "expect_entry_seq": self.guard, "actor": self.actor}
        return command.model_validate(sent | values)

    def chosen(self, where: Condition | None, candidates: Sequence[Any]) -> list[int]:
        """Which of the candidates, as authors name them, a condition holds for; all without one.

        Raises `ConditionError` and `BudgetError`.
        """
        if where is None:
            return list(range(len(candidates)))
        judge = compiled(where)
        return [at for at, each in enumerate(candidates) if judge({**self.values, "each": each}).holds]

    def actor_for(self, employee: UUID | None) -> str:
        """Who the records name: the employee if one is given, else the rule."""
        return str(employee) if employee else self.actor


Named = Literal["templates", "channels", "workflows"]
"""What rules name beside the tenant's schema and its variables."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What other services, and the engine itself, have for rules to name; null: it could not be asked for."""

    templates: Sequence[str] | None = None
    channels: Sequence[ChannelName] | None = None
    workflows: Sequence[str] | None = None


UNASKED = Elsewhere()


@dataclass(frozen=True, slots=True)
class AuthoringContext:
    """Where a rule is written: its pipeline and stage, and what the tenant has."""

    schema: TenantSchema
    pipeline: PipelineSchema
    stage: str
    definitions: Sequence[Definition] = ()
    """The tenant's variables and constants."""
    elsewhere: Elsewhere = UNASKED

    def names(self, kind: ItemKind) -> Shape:
        """What can be named of items of a kind, outputs of other rules excepted."""
        return value_types.names(kind, self.schema, {}, self.definitions)


type Class[M] = type[M]
"""`type[M]`, in a class that calls its wire name `type`."""


class RuleType[P: Params](ABC):
    """One type of rule. Subclasses are the catalogue; `act` is pure."""

    type: ClassVar[str]
    version: ClassVar[int] = 1
    title: ClassVar[str]
    group: ClassVar[Group]
    kinds: ClassVar[tuple[TypeFilter, ...]] = ALL_TYPES
    of_parts: ClassVar[tuple[ItemPart, ...]] = ()
    """What items must be able to have for it to act."""
    helper: ClassVar[bool] = False
    needs: ClassVar[tuple[Part, ...]] = ()
    """Parts of the context that `act` itself reads, beside those its texts name."""
    moves_to: ClassVar[str | None] = None
    """The parameter that names the stage a rule moves the item to; it only does so while the item is where it was."""
    params: Class[P]
    outputs: ClassVar[Class[Outputs]] = Outputs
    names: ClassVar[Named | None] = None
    """What its parameters name of another service, or of workflows."""
    chooses_of: ClassVar[str | None] = None
    """What the condition in its parameter `where` is about: the path of a list, whose elements it names `each`."""
    stores: ClassVar[bool] = False
    """Whether `act` itself reads or sets variables."""

    @abstractmethod
    def act(self, params: P, acting: ActionContext) -> Body | Outputs | Completed | Refusal | Failure:
        """The command to send, outputs at once (helpers), or why not."""

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """The rule's outputs from those of its command; overridden where their names differ."""
        return {name: result[name] for name in self.outputs.model_fields if name in result}

    def outputs_with(self, params: Mapping[str, JsonValue], schema: TenantSchema) -> Class[Outputs]:
        """The outputs of a rule with these parameters, as far as they depend on them."""
        return self.outputs

    def needs_with(self, params: Mapping[str, JsonValue]) -> Collection[Part]:
        """The parts that `act` reads with these parameters, as far as they depend on them."""
        return self.needs

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        """What is wrong with parameters as written, beyond their types: (path below the parameters, what)."""
        return ()

    def warnings(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        """What is probably wrong with them, but may come right before the rule acts."""
        return ()

    def employees_in(
        self, params: Mapping[str, JsonValue], schema: TenantSchema, kind: ItemKind
    ) -> Iterable[ParamPath]:
        """Where parameters of a rule on items of a kind name employees, as they are written."""
        return ((name,) for name in marked(self.params, "refers", "employee"))

    def cuts_in(self, params: Mapping[str, JsonValue]) -> Iterable[Cut]:
        """The texts in parameters that are cut when they are too long."""
        for name, cut in _texts_cut(self.params):
            value = params.get(name)
            if isinstance(value, list):
                yield from (replace(cut, path=(name, index)) for index in range(len(value)))
            else:
                yield cut

    def html_in(self, params: Mapping[str, JsonValue]) -> Collection[str]:
        """The parameters that hold HTML: values are escaped in them, unless their author says that they are markup."""
        return ()

    def leads_to(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Place | None:
        """Where the rule puts the item, or a new one; null: nowhere, or it is not known before it acts."""
        stage = literal(params.get(self.moves_to)) if self.moves_to else None
        return (context.pipeline.code, stage) if stage else None


@cache
def marked(params: type[BaseModel], name: str, mark: str) -> tuple[str, ...]:
    """The parameters whose schema, or that of their values, has this mark."""
    properties = params.model_json_schema().get("properties", {})
    return tuple(parameter for parameter, one in properties.items() if _has(one, name, mark))


@cache
def _texts_cut(params: type[Params]) -> tuple[tuple[str, Cut], ...]:
    """The parameters that are cut texts, or lists of them, by name."""
    properties = params.model_json_schema()["properties"]
    return tuple(
        (name, Cut((name,), one["maxLength"], one.get("lines") == "one"))
        for name, schema in properties.items()
        for one in _inside(schema)
        if one.get("longer") == "is cut"
    )


def _inside(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schema, and those of the values that it allows or holds."""
    inner = [schema["items"]] if "items" in schema else schema.get("anyOf", ())
    return [schema, *(found for one in inner for found in _inside(one))]


def _has(schema: Mapping[str, Any], name: str, mark: str) -> bool:
    return any(one.get(name) == mark for one in _inside(schema))


def literal(value: JsonValue) -> str | None:
    """A text that is the same whatever the item; null for templates and for what is no text."""
    match value:
        case {"const": str(text)}:
            return text
        case str() if "{{" not in value and "{%" not in value:
            return value
        case _:
            return None
