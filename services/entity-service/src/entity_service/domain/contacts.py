"""Contacts: how a person who turned up is kept, and what they gave that was not known."""

from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from contracts.clients import MAX_ADDRESSES
from contracts.contexts import ContactContext, Email, Phone
from contracts.issues import issues_of
from contracts.texts import Line
from contracts.values import PersonInput
from entity_service.domain.addresses import normalise_email, normalise_phone
from entity_service.domain.errors import InvalidError
from entity_service.domain.names import full_name

_LINE = TypeAdapter[str](Line)


def contact_of(id: UUID, values: dict[str, Any]) -> ContactContext:
    """The contact with these values; its name and its first addresses follow."""
    contact = ContactContext.model_validate(values | {"id": id, "name": ""})
    return contact.model_copy(
        update={
            "name": full_name(contact.first_name, contact.last_name),
            "phone": contact.phones[0].number if contact.phones else None,
            "email": contact.emails[0].address if contact.emails else None,
        }
    )


def cleaned(person: PersonInput) -> PersonInput:
    """The person as it is kept. Raises `InvalidError`."""
    return PersonInput(
        first_name=_line(person.first_name, "person.first_name"),
        last_name=_line(person.last_name, "person.last_name"),
        phone=normalise_phone(person.phone, "person.phone") if person.phone else None,
        email=normalise_email(person.email, "person.email") if person.email else None,
    )


def _line(text: str, where: str) -> str:
    try:
        return _LINE.validate_python(text)
    except ValidationError as error:
        raise InvalidError(*((where, what) for _, what in issues_of(error))) from error


def with_addresses(contact: ContactContext, given: PersonInput) -> ContactContext:
    """The contact with addresses behind its others, as far as there is room."""
    phones, emails = contact.phones, contact.emails
    if given.phone and given.phone not in _numbers(contact) and len(phones) < MAX_ADDRESSES:
        phones = (*phones, Phone(number=given.phone))
    if given.email and given.email not in _emails(contact) and len(emails) < MAX_ADDRESSES:
        emails = (*emails, Email(address=given.email))
    return contact.model_copy(update={"phones": phones, "emails": emails})


def news_of(before: ContactContext, after: ContactContext, given: PersonInput) -> str | None:
    """What a known client gave that was not known, in words, and what became of it; null when there is nothing new."""
    news = list[str]()
    for what, value, had, has in (
        ("phone", given.phone, _numbers(before), _numbers(after)),
        ("e-mail", given.email, _emails(before), _emails(after)),
    ):
        if value and value not in had:
            news.append(f"{what} {value} ({'added to the contact' if value in has else 'not added to the contact'})")
    name = full_name(given.first_name, given.last_name)
    if name and name != before.name:
        news.append(f"name {name} (the contact keeps its name)")
    return f"New from the client: {'; '.join(news)}" if news else None


def _numbers(contact: ContactContext) -> list[str]:
    return [phone.number for phone in contact.phones]


def _emails(contact: ContactContext) -> list[str]:
    return [email.address for email in contact.emails]
