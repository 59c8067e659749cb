"""The shape of what authors can name: which fields there are, and of which kind.

Shapes come from the contracts' own models, so a field that entity-service adds can be named at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel

from contracts.conditions.operators import Kind
from contracts.contexts import UNNAMED, ItemContext, TenantSchema
from contracts.field_values import FieldFields, FieldType
from contracts.issues import unknown
from contracts.item_types import BUILT_IN
from contracts.values import OF_EMPLOYEE, FileRef, ItemKind, Money
from rule_engine.domain.language.variables import ConstantDocument, Definition, Type


@dataclass(frozen=True, slots=True)
class Shape:
    """The kind of a value; its fields, or the shape of a list's elements, or the options of a text."""

    kind: Kind
    fields: Mapping[str, "Shape"] = field(default_factory=dict)
    element: "Shape | None" = None
    options: tuple[str, ...] = ()
    currency: str | None = None
    """Of money that is always in one currency."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Why names that an author could expect here are not there."""


class PathError(Exception):
    """A path names nothing; the text says where it ends, and what is near."""


NOTHING_ABSENT: Mapping[str, str] = {}
TEXT, NUMBER, USER, ANY = Shape("text"), Shape("number"), Shape("user"), Shape("any")
_PLAIN: Mapping[Any, Kind] = {
    bool: "boolean",
    int: "number",
    float: "number",
    Decimal: "number",
    date: "date",
    datetime: "datetime",
    AwareDatetime: "datetime",
    Any: "any",
}
_MODELS: Mapping[type[BaseModel], Kind] = {Money: "money", FileRef: "file"}


def shape_of(annotation: Any) -> Shape:
    """The shape of values of a type, as JSON. What is not known better is `text`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return USER if OF_EMPLOYEE in arguments[1:] else shape_of(arguments[0])
    if origin in (Union, UnionType):
        return shape_of(next(one for one in arguments if one is not type(None)))
    if origin is Literal:
        return Shape("text", options=arguments)
    if origin is tuple:
        return Shape("list", element=shape_of(arguments[0]))
    if origin is dict:
        return ANY
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _of_model(annotation)
    return Shape(_PLAIN.get(annotation, "text"))


@cache
def _of_model(model: type[BaseModel]) -> Shape:
    fields = {
        name: USER if OF_EMPLOYEE in info.metadata else shape_of(info.annotation)
        for name, info in model.model_fields.items()
    }
    return Shape(_MODELS.get(model, "object"), fields)


_CUSTOM: Mapping[FieldType, Shape] = {
    "text": TEXT,
    "number": NUMBER,
    "money": shape_of(Money),
    "boolean": Shape("boolean"),
    "date": Shape("date"),
    "datetime": Shape("datetime"),
    "user": USER,
    "file": shape_of(FileRef),
}


def of_field(schema: FieldFields) -> Shape:
    """The shape of values of a field that authors define."""
    one = Shape("text", options=schema.options) if schema.type == "list" else _CUSTOM[schema.type]
    return Shape("list", element=one) if schema.multiple else one


_STORED: Mapping[Type, Shape] = {
    "string": TEXT,
    "text": TEXT,
    "int": NUMBER,
    "number": NUMBER,
    "bool": Shape("boolean"),
    "date": Shape("date"),
    "datetime": Shape("datetime"),
    "time": Shape("time"),
    "money": shape_of(Money),
    "user": USER,
    "file": shape_of(FileRef),
    "link": TEXT,
}


def _of_definition(definition: Definition) -> Shape:
    document, shape = definition.document, of_document(definition.document)
    if definition.group == "constant" and isinstance(document.value, dict) and document.type == "money":
        return replace(shape, currency=str(document.value["currency"]))
    return shape


def of_outputs(outputs: type[BaseModel]) -> Shape:
    """The shape of what a rule puts out."""
    return _of_model(outputs)


def of_document(document: ConstantDocument) -> Shape:
    """The shape of a variable's values, as its author declared it."""
    one = Shape("text", options=document.options) if document.type == "list" else _STORED[document.type]
    return Shape("list", element=one) if document.multiple else one


def names(
    kind: ItemKind,
    schema: TenantSchema,
    steps: Mapping[str, type[BaseModel]],
    definitions: Sequence[Definition] = (),
    absent: Mapping[str, str] = NOTHING_ABSENT,
) -> Shape:
    """Everything that a rule on items of `kind` can name; `steps` are the outputs of the rules before it, `absent` says
    of other rules why theirs are not.
    """
    type = schema.item_type(kind)
    lacking = type.absent_names() if type else NOTHING_ABSENT
    root = {name: shape for name, shape in _of_model(ItemContext).fields.items() if name not in {*UNNAMED, *lacking}}
    custom = {one.code: of_field(one) for one in schema.fields if one.kind == kind}
    kinds = Shape("text", options=(*BUILT_IN, *(one.code for one in schema.item_types)))
    root["item"] = Shape("object", {**root["item"].fields, "kind": kinds, "fields": Shape("object", custom)})
    root["steps"] = Shape("object", {name: _of_model(outputs) for name, outputs in steps.items()}, absent=absent)
    visible = [one for one in definitions if one.visible(kind)]
    for name in ("var", "const"):
        root[name] = Shape("object", {one.code: _of_definition(one) for one in visible if one.root == name})
    return Shape("object", root | {"now": Shape("datetime"), "today": Shape("date")}, absent=lacking)


def find(root: Shape, path: str, *, in_text: bool) -> Shape:
    """The shape at a path. Texts may go into lists (`contacts[0]`, `products.size`), conditions may not.

    Raises `PathError`.
    """
    shape, gone = root, list[str]()
    for key in path.split("."):
        shape = _step(shape, gone, key, in_text)
        gone.append(key)
    return shape


def found(root: Shape, path: str) -> Shape:
    """The shape at a path of a condition; any, where it names nothing."""
    try:
        return find(root, path, in_text=False)
    except PathError:
        return ANY


def with_each(root: Shape, path: str) -> Shape:
    """What a condition about each element of a list can name; of an object, that is the only one."""
    shape = found(root, path)
    return Shape("object", {**root.fields, "each": shape.element or shape})


def _step(shape: Shape, gone: Sequence[str], key: str, in_text: bool) -> Shape:
    if shape.kind == "any":
        return ANY
    if key in shape.fields:
        return shape.fields[key]
    if in_text and key == "size" and shape.kind in ("list", "text"):
        return NUMBER
    if in_text and shape.element and (key in ("first", "last") or key.isdecimal()):
        return shape.element
    if key in shape.absent:
        raise PathError(shape.absent[key])
    here = ".".join(gone)
    if shape.fields or shape.kind == "object":
        raise PathError(unknown("name", key, shape.fields, f"in {here}" if here else ""))
    raise PathError(f"{here} is {described(shape)}: there is no {key!r} in it")


def described(shape: Shape) -> str:
    """`a number`, for people."""
    words: Mapping[Kind, str] = {
        "boolean": "yes or no",
        "money": "money",
        "datetime": "a moment",
        "time": "a time of day",
        "user": "an employee",
        "any": "any value",
    }
    return words.get(shape.kind, f"{'an' if shape.kind == 'object' else 'a'} {shape.kind}")
