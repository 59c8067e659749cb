"""The answers of a form's submission, and the item and client that they become."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import JsonValue

from contracts.addresses import normalise_email, normalise_phone
from contracts.messages.entity_commands import CreateItem
from contracts.texts import shown_on_one_line
from contracts.values import PersonInput, ordinary
from trigger_service.domain import targets
from trigger_service.domain.checks import PLACEHOLDER
from trigger_service.domain.errors import InvalidInputError
from trigger_service.domain.forms import Form, FormField, FormSpec
from trigger_service.domain.targets import CONTACT, Answer

NONCE = "_nonce"
"""The reserved name under which a submission carries its nonce; no field can be called so."""
TRUE = ("true", "on", "1", "yes")
MAX_TEXT = 5000
MAX_TITLE = 255

type Answers = Mapping[str, Answer]


def read_answers(form: Form, body: Mapping[str, Any]) -> Answers:
    """The answers in their own types, empty ones left out; raises `InvalidInputError`, naming fields, never values.

    What is accepted here fits the contact and the item, so that entity-service does not refuse it later.
    """
    known = {field.name for field in form.spec.fields}
    errors = [(name[:40], "the form has no such field") for name in body if name not in known]
    answers: dict[str, Answer] = {}
    for field in form.spec.fields:
        try:
            answer = _fitting(field, _read(field, body.get(field.name), form.spec), form)
        except ValueError as error:
            errors.append((field.name, str(error)))
            continue
        if answer is not None:
            answers[field.name] = answer
        elif field.required:
            errors.append((field.name, "this field must be filled in"))
    if errors:
        raise InvalidInputError("the form is not filled in correctly", errors)
    return answers


def _read(field: FormField, raw: Any, form: FormSpec) -> Answer | None:
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    if field.type == "boolean":
        return _boolean(raw)
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise ValueError("expected one text")
    text = str(raw).strip()
    if len(text) > MAX_TEXT:
        raise ValueError(f"at most {MAX_TEXT} characters")
    return _READERS[field.type](text, field, form)


def _fitting(field: FormField, answer: Answer | None, form: Form) -> Answer | None:
    """The answer, when what it feeds can keep it."""
    if answer is None or field.target is None:
        return answer
    if field.target in _NAMES:
        return targets.for_contact(answer) or None
    if schema := form.item_field(field.target):
        targets.for_item(answer, schema)
    return answer


_NAMES = ("contact.name", "contact.first_name", "contact.last_name")


def _boolean(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    if raw in TRUE:
        return True
    if raw in ("false", "off", "0", "no"):
        return False
    raise ValueError("expected yes or no")


def _number(text: str, _: FormField, __: FormSpec) -> Answer:
    try:
        number = float(text)
    except ValueError as error:
        raise ValueError("expected a number") from error
    ordinary(number)
    return int(number) if number.is_integer() else number


def _phone(text: str, _: FormField, form: FormSpec) -> Answer:
    return normalise_phone(text, form.phone_region)


def _email(text: str, _: FormField, __: FormSpec) -> Answer:
    return normalise_email(text)


def _choice(text: str, field: FormField, _: FormSpec) -> Answer:
    choice = shown_on_one_line(text)
    if choice not in field.choices:
        raise ValueError("expected one of the choices")
    return choice


_READERS: Mapping[str, Callable[[str, FormField, FormSpec], Answer]] = {
    "text": lambda text, _, __: text,
    "number": _number,
    "phone": _phone,
    "email": _email,
    "choice": _choice,
}


def person(form: FormSpec, answers: Answers) -> PersonInput | None:
    """The client that the answers describe; null when none of them does."""
    given = dict(_mapped(form, answers, CONTACT))
    if not given:
        return None
    first, _, last = str(given.get("name", "")).partition(" ")
    return PersonInput(
        first_name=str(given.get("first_name", first)),
        last_name=str(given.get("last_name", last.strip())),
        phone=_text_or_none(given.get("phone")),
        email=_text_or_none(given.get("email")),
    )


def recipients(form: FormSpec, answers: Answers) -> frozenset[str]:
    """The phone numbers and e-mail addresses that were filled in: rules may write to them."""
    addresses = {field.name for field in form.fields if field.type in ("phone", "email")}
    return frozenset(str(answer) for name, answer in answers.items() if name in addresses)


def _text_or_none(answer: Answer | None) -> str | None:
    return None if answer is None else str(answer)


def create_item(form: Form, answers: Answers) -> CreateItem:
    """The item that a submission becomes."""
    spec = form.spec
    return CreateItem(
        kind=spec.kind,
        title=title(spec, answers),
        pipeline=spec.pipeline,
        stage=spec.stage,
        responsible_id=form.responsible_id,
        person=person(spec, answers),
        source=spec.source,
        fields={code: _kept(form, code, answer) for code, answer in _mapped(spec, answers, targets.ITEM)},
        actor=f"form:{form.code}",
        origin="intake",
    )


def _kept(form: Form, code: str, answer: Answer) -> JsonValue:
    """As the item keeps it; entity-service refuses what does not fit any more, since the form was changed meanwhile."""
    schema = form.item_field(targets.ITEM + code)
    try:
        return answer if schema is None else targets.for_item(answer, schema)
    except ValueError:
        return answer


def title(form: FormSpec, answers: Answers) -> str:
    """The title template with the answers in it, else the form's name."""
    filled = PLACEHOLDER.sub(lambda found: targets.shown(answers.get(found[1], "")), form.title)
    return shown_on_one_line(filled)[:MAX_TITLE].rstrip() or form.name


def comment(form: FormSpec, answers: Answers) -> str:
    """The submission as people read it in a timeline."""
    lines = [f"{field.label}: {targets.shown(answers[field.name])}" for field in form.fields if field.name in answers]
    return "\n".join([f"Form “{form.name}”", *lines])


def _mapped(form: FormSpec, answers: Answers, prefix: str) -> Iterator[tuple[str, Answer]]:
    for field in form.fields:
        if field.target and field.target.startswith(prefix) and field.name in answers:
            yield field.target.removeprefix(prefix), answers[field.name]
