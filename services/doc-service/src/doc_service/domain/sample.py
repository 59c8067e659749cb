"""The made-up deal that templates are tried with when they are uploaded."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from doc_service.domain.documents import Document, override
from doc_service.domain.numbers import document_number
from doc_service.domain.templates import Template

_NOBODY = UUID(int=0)
_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_MOMENT = "2026-03-02T09:30:00Z"


def _euros(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def _employee(name: str, position: str) -> dict[str, Any]:
    first = name.split()[0]
    return {
        "id": str(_NOBODY),
        "name": name,
        "first_name": first,
        "email": f"{first.lower()}@example.com",
        "phone": "+4930555010",
        "position": position,
        "department": "Sales",
    }


_CONTACT: dict[str, Any] = {
    "id": str(_NOBODY),
    "first_name": "Mary",
    "last_name": "Sample",
    "name": "Mary Sample",
    "phones": [{"number": "+4930555012", "type": "mobile"}],
    "emails": [{"address": "mary@example.com", "type": "work"}],
    "phone": "+4930555012",
    "email": "mary@example.com",
    "opted_out": False,
}


def _product(name: str, quantity: str, price: int, discount: str, net: int, total: int) -> dict[str, Any]:
    return {
        "name": name,
        "quantity": quantity,
        "unit": "pcs",
        "price": _euros(price),
        "discount_percent": discount,
        "tax_percent": "19",
        "net": _euros(net),
        "total": _euros(total),
    }


SAMPLE: Mapping[str, Any] = {
    "item": {
        "id": str(_NOBODY),
        "kind": "deal",
        "title": "Sample deal",
        "pipeline": "sales",
        "stage": "documents",
        "version": 1,
        "entry_seq": 1,
        "responsible_id": str(_NOBODY),
        "contact_ids": [str(_NOBODY)],
        "company_id": str(_NOBODY),
        "amount": _euros(203847),
        "tax_rounding": "per_rate",
        "source": "website",
        "activity_count": 1,
        "fields": {},
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
    },
    "contact": _CONTACT,
    "contacts": [_CONTACT],
    "company": {
        "id": str(_NOBODY),
        "title": "Sample Client Ltd",
        "phones": [],
        "emails": [],
        "phone": "+4930555013",
        "email": "office@example.com",
        "address": "2 Example Street, 10115 Berlin",
        "tax_number": "DE000000000",
    },
    "products": [
        _product("Oak table", "1", 120000, "10", 108000, 128520),
        _product("Chair", "4", 15825, "0", 63300, 75327),
    ],
    "responsible": _employee("Robin Sample", "Manager"),
    "supervisor": _employee("Kim Sample", "Head of sales"),
    "stage": {"code": "documents", "name": "Document preparation", "position": 2, "outcome": "open"},
    "pipeline": {"code": "sales", "name": "Sales"},
    "my_company": {
        "name": "Sample Furniture GmbH",
        "address": "1 Example Street, 10115 Berlin",
        "tax_number": "DE000000001",
        "email": "shop@example.com",
        "phone": "+4930555000",
        "bank": "Example Bank",
        "account": "DE00 0000 0000 0000 0000 00",
    },
    "tenant": {
        "name": "Sample Furniture",
        "time_zone": "Europe/Berlin",
        "language": "en",
        "currency": "EUR",
        "tax_rounding": "per_rate",
    },
    "var": {},
    "const": {},
    "steps": {},
    "now": _MOMENT,
    "today": "2026-03-02",
}


def sample_document(template: Template, fields: Mapping[str, Any]) -> Document:
    """A document of `template` about nobody; `fields` add what the template needs besides."""
    data = override(SAMPLE, fields)
    return Document(
        id=_NOBODY,
        tenant=_NOBODY,
        item_id=_NOBODY,
        template=template.code,
        template_version=template.version,
        title=template.name,
        company=SAMPLE["my_company"]["name"],
        number=document_number(template.number_pattern, _AT.date(), 1),
        language=template.language or "en",
        time_zone="Europe/Berlin",
        data=data,
        wait_for_pdf=True,
        public_link=False,
        link_days=None,
        created_at=_AT,
        created_by="",
        command_id=_NOBODY,
        correlation="",
        root="",
    )
