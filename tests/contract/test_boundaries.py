"""What one part accepts, the next accepts: what clients and visitors give passes every part's own checks."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from comms_service.domain.addresses import address_of
from comms_service.domain.messages import check_message
from contract.accepted import FIELDS, ID, NOW, OPTIONS, PLACE, REFERENCES, addresses, values, words
from contracts.contexts import TenantSchema, TenantSettings
from contracts.inputs import keepable
from contracts.messages.comms import SendMessage
from contracts.messages.entity_commands import CreateItem, NewItem
from contracts.texts import MAX_TITLE
from contracts.values import PersonInput
from entity_service.api.companies import CompanyInput
from entity_service.api.contacts import ContactInput
from entity_service.api.items import ItemInput
from entity_service.domain.addresses import normalise_email
from entity_service.domain.contacts import cleaned
from entity_service.domain.errors import InvalidError
from entity_service.domain.items import new_item
from entity_service.domain.names import full_name
from rule_engine.domain.language.limits import Cut, cut_texts
from trigger_service.domain.answers import create_item, read_answers
from trigger_service.domain.checks import check_form
from trigger_service.domain.errors import InvalidInputError
from trigger_service.domain.forms import Form, FormSpec
from trigger_service.domain.targets import item_fields

TITLE = Cut(("title",), MAX_TITLE, one_line=True)
SCHEMA = TenantSchema(tenant_id=ID, tenant=TenantSettings(name="Shop"), pipelines=(), fields=FIELDS, employees=())


def send(address: str, name: str, subject: str = "") -> None:
    """The message to a client goes through comms-service's checks."""
    made = SendMessage(item_id=ID, kind="email", to=address, to_name=name, subject=subject, text="Hi", sent_by="rule")
    check_message(SendMessage.model_validate_json(made.model_dump_json()))
    address_of(made)


@given(first=words, last=words, address=addresses)
@example(first="Anna\t", last="Mu\u0308ller", address="jürgen.x@client.example")
def test_who_is_a_contact_can_be_written_to_and_come_again(first: str, last: str, address: str) -> None:
    try:
        body = ContactInput.model_validate({"first_name": first, "last_name": last, "emails": [{"address": address}]})
        email = normalise_email(body.emails[0].address)
    except (ValidationError, InvalidError):
        return
    send(email, full_name(body.first_name, body.last_name))
    person = PersonInput(first_name=body.first_name, last_name=body.last_name, email=email)
    assert cleaned(person) == person


@given(title=words)
def test_who_is_a_company_can_be_written_to(title: str) -> None:
    try:
        body = CompanyInput.model_validate({"title": title})
    except ValidationError:
        return
    send("office@client.example", body.title)


@given(title=words)
@example(title="x" * 498)
def test_the_title_of_an_item_serves_in_titles_and_subjects(title: str) -> None:
    try:
        body = ItemInput.model_validate({"kind": "deal", "title": title})
    except ValidationError:
        return
    item = new_item(body, PLACE, REFERENCES, id=ID, now=NOW)
    params, _ = cut_texts({"title": f"Renewal for {item.title}"}, [TITLE])
    renewal = NewItem(kind="lead", title=str(params["title"]))
    assert new_item(renewal, PLACE, REFERENCES, id=ID, now=NOW).title == params["title"]
    send("client@example.org", "", str(params["title"]))


@given(made=words)
@example(made="Oak\x96table")
@example(made="x" * 501)
def test_a_title_that_a_rule_makes_is_accepted(made: str) -> None:
    params, _ = cut_texts({"title": made}, [TITLE])
    if params["title"]:
        wanted = NewItem(kind="deal", title=str(params["title"]))
        assert new_item(wanted, PLACE, REFERENCES, id=ID, now=NOW).title == params["title"]


TARGETS = [
    *(f"contact.{name}" for name in ("name", "first_name", "last_name", "phone", "email")),
    *(f"item.fields.{field.code}" for field in FIELDS),
    None,
]
one_field = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["text", "email", "phone", "number", "boolean", "choice"]),
        "target": st.sampled_from(TARGETS),
    }
)


@settings(max_examples=300)
@given(fields=st.lists(one_field, min_size=1, max_size=2), answers=st.lists(values, min_size=2, max_size=2))
@example(fields=[{"type": "text", "target": "item.fields.date0"}], answers=["24.12.2026"] * 2)
@example(fields=[{"type": "number", "target": "item.fields.text1"}], answers=["9007199254740993"] * 2)
@example(fields=[{"type": "choice", "target": "item.fields.list1"}], answers=[" oak"] * 2)
def test_what_a_visitor_is_thanked_for_is_kept(fields: list[dict[str, Any]], answers: list[Any]) -> None:
    form = accepted_form(fields)
    if form is None:
        return
    try:
        body = keepable({field.name: answer for field, answer in zip(form.spec.fields, answers, strict=False)})
        read = read_answers(form, body)
    except (InvalidInputError, ValueError):
        return
    command = CreateItem.model_validate_json(create_item(form, read).model_dump_json())
    new_item(command, PLACE, REFERENCES, id=ID, now=NOW)
    if command.person is not None:
        person = cleaned(command.person)
        send(person.email or "client@example.org", full_name(person.first_name, person.last_name))


def accepted_form(fields: list[dict[str, Any]]) -> Form | None:
    """The form, when authors may put it."""
    written = [
        {**field, "name": f"f{number}", "label": "F", "choices": OPTIONS if field["type"] == "choice" else ()}
        for number, field in enumerate(fields)
    ]
    try:
        spec = FormSpec.model_validate({"name": "Order", "fields": written, "title": "For {f0}"})
        check_form(spec, SCHEMA)
    except (ValidationError, InvalidInputError):
        return None
    return Form(code="order", token="t", spec=spec, item_fields=item_fields(spec, SCHEMA.fields))  # noqa: S106
