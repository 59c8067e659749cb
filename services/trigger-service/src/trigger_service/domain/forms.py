"""Forms as authors define them. Each is put as a whole under its code."""

from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contracts.contexts import FieldSchema
from contracts.inputs import Input
from contracts.issues import Written
from contracts.texts import ONE_LINE, Name
from contracts.values import Code, Country, ItemKind
from trigger_service.domain.triggers import Employee

Text = Annotated[str, Field(max_length=2000)]
FieldName = Annotated[
    str, Written(r"^[a-z][a-z0-9_]{0,39}$", "a name of at most 40 small letters, digits and _, such as phone_2")
]
Target = Annotated[
    str,
    Written(
        r"^(contact\.(name|first_name|last_name|phone|email)|item\.fields\.[a-z0-9][a-z0-9_-]{0,63})$",
        "contact.name, .first_name, .last_name, .phone or .email, or item.fields. and a field's code",
    ),
]


class FormField(Input):
    """One field of a form. `target` null: it goes into the title, conditions and nothing else."""

    name: FieldName
    label: Name
    type: Literal["text", "email", "phone", "number", "boolean", "choice"] = "text"
    required: bool = False
    choices: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    target: Target | None = None

    @model_validator(mode="after")
    def _fits_its_target(self) -> "FormField":
        if (self.type == "choice") is not bool(self.choices):
            raise ValueError(f"field {self.name!r}: choices belong to the type choice, and it needs some")
        for kind in ("phone", "email"):
            if self.target == f"contact.{kind}" and self.type != kind:
                raise ValueError(f"field {self.name!r}: the target {self.target} needs the type {kind}")
        return self


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if text != "*" and (parts.scheme not in ("http", "https") or text != f"{parts.scheme}://{parts.netloc}"):
        raise ValueError("an origin is written like https://shop.example, without a path; or * for any")
    return text


class FormSpec(Input):
    """A public form that creates items.

    `title` may insert fields: `Order of {product}`; empty: the form's name. `pipeline` and `stage` null: the first.
    `phone_region` (ISO 3166) reads phone numbers without a country code. `honeypot` is a field people do not see.
    """

    name: Name
    fields: Annotated[tuple[FormField, ...], Field(min_length=1, max_length=50)]
    kind: ItemKind = "deal"
    pipeline: Code | None = None
    stage: Code | None = None
    title: Annotated[str, Field(max_length=200), ONE_LINE] = ""
    source: Annotated[str, Field(max_length=64), ONE_LINE] | None = None
    responsible: Employee | None = None
    phone_region: Country | None = None
    allowed_origins: Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], Field(max_length=20)] = ()
    success_message: Text = "Thank you. We will contact you soon."
    honeypot: FieldName = "website"
    archived: bool = False

    @model_validator(mode="after")
    def _names_are_clear(self) -> "FormSpec":
        names = [field.name for field in self.fields]
        if len({*names, self.honeypot}) != len(names) + 1:
            raise ValueError("fields and honeypot: every name may be used once")
        if self.stage is not None and self.pipeline is None:
            raise ValueError("stage: name its pipeline too")
        return self


class Form(BaseModel):
    """A form as it is kept; `token` is its public address, `responsible_id` the employee it names.

    `item_fields` are those of the item that the form feeds, as they were when it was put: a field keeps its type.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    token: str
    spec: FormSpec
    responsible_id: UUID | None = None
    item_fields: tuple[FieldSchema, ...] = ()

    def item_field(self, target: str) -> FieldSchema | None:
        """The item's field that a target names."""
        return next((one for one in self.item_fields if target == f"item.fields.{one.code}"), None)
