"""The furniture shop as its authors see it: what the tenant has, a deal with everything around it, its rules."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from contracts.contexts import (
    CompanyContext,
    ContactContext,
    Email,
    EmployeeContext,
    EmployeeRef,
    FieldSchema,
    ItemContext,
    MyCompany,
    Phone,
    PipelineContext,
    PipelineSchema,
    ProductContext,
    StageContext,
    TenantSchema,
    TenantSettings,
)
from contracts.field_values import ListField, ListSchema
from contracts.messages.product_commands import NewProduct
from contracts.taxes import product_row
from contracts.values import ItemSnapshot, Money

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday; 13:00 in Berlin."""
TENANT, DEAL, CONTACT, COMPANY = (UUID(int=number) for number in range(1, 5))
SELLER = EmployeeContext(id=UUID(int=11), name="Sam Hill", first_name="Sam")
HEAD = EmployeeContext(id=UUID(int=12), name="Kim Lane", first_name="Kim")
WAREHOUSE = EmployeeRef(id=UUID(int=13), code="warehouse", name="Wes Dock")
SETTINGS = TenantSettings(name="Oak & Co", time_zone="Europe/Berlin", language="en", currency="EUR")


def _pipeline(code: str, kind: Any, *stages: str, archived: bool = False) -> PipelineSchema:
    placed = tuple(StageContext(code=one, name=one.title(), position=at) for at, one in enumerate(stages))
    return PipelineSchema(code=code, name=code.title(), kind=kind, stages=placed, archived=archived)


SCHEMA = TenantSchema(
    tenant_id=TENANT,
    tenant=SETTINGS,
    pipelines=(
        _pipeline("sales", "deal", "new", "documents", "prepayment", "won", "lost"),
        _pipeline("installation", "deal", "planned", "done"),
        _pipeline("leads", "lead", "incoming", "qualified"),
        _pipeline("bills", "invoice", "sent", "paid"),
        _pipeline("old", "deal", "new", archived=True),
    ),
    fields=(
        FieldSchema(code="wood", name="Wood", kind="deal", type="list", options=("oak", "ash")),
        FieldSchema(code="delivery_on", name="Delivery", kind="deal", type="date"),
        FieldSchema(code="colours", name="Colours", kind="deal", type="text", multiple=True),
        FieldSchema(code="plan", name="Plan", kind="deal", type="file"),
        FieldSchema(code="joiners", name="Joiners", kind="deal", type="user", multiple=True),
        FieldSchema(code="budget", name="Budget", kind="lead", type="money"),
    ),
    lists=(
        ListSchema(
            code="notes",
            title="Notes",
            fields=(
                ListField(code="text", name="Text", type="text"),
                ListField(code="size", name="Size", type="number"),
                ListField(code="price", name="Price", type="money"),
                ListField(code="who", name="Who", type="user", multiple=True),
                ListField(code="wood", name="Wood", type="list", options=("oak", "ash")),
                ListField(code="old", name="Old", type="text", archived=True),
            ),
        ),
    ),
    rooms=("oak",),
    resources=("van",),
    employees=(WAREHOUSE, EmployeeRef(id=SELLER.id, code="sam", name=SELLER.name)),
)

ADA = ContactContext(
    id=CONTACT,
    first_name="Ada",
    last_name="Bell",
    name="Ada Bell",
    phones=(Phone(number="+493012345678", type="home"), Phone(number="+491701234567", type="mobile")),
    emails=(Email(address="ada@example.org", type="home"),),
    phone="+493012345678",
    email="ada@example.org",
)
BELL = CompanyContext(
    id=COMPANY,
    title="Bell & Sons",
    phones=(Phone(number="+493099999999", type="work"),),
    emails=(Email(address="office@example.org", type="work"),),
)


def _product(name: str, quantity: str, price: int) -> ProductContext:
    money = Money(amount=price, currency="EUR")
    wanted = NewProduct(name=name, quantity=Decimal(quantity), price=money, tax_percent=Decimal("19.00"))
    return product_row(wanted, uuid5(DEAL, name))


def deal(**changes: Any) -> ItemContext:
    """The deal with everything around it; `changes` replace parts of the context."""
    item = ItemSnapshot(
        id=DEAL,
        kind="deal",
        title="Oak table",
        pipeline="sales",
        stage="new",
        version=3,
        entry_seq=2,
        responsible_id=SELLER.id,
        contact_ids=(CONTACT,),
        company_id=COMPANY,
        amount=Money(amount=123450, currency="EUR"),
        fields={"wood": "oak"},
        created_at=NOON,
        updated_at=NOON,
    )
    context = ItemContext(
        tenant_id=TENANT,
        tenant=SETTINGS,
        item=item,
        contact=ADA,
        contacts=(ADA,),
        company=BELL,
        products=(_product("Oak table", "2.000", 50000), _product("Chair", "4.500", 5100)),
        responsible=SELLER,
        supervisor=HEAD,
        stage=StageContext(code="new", name="New", position=0),
        pipeline=PipelineContext(code="sales", name="Sales"),
        my_company=MyCompany(name="Oak & Co"),
        read_at=NOON,
    )
    return context.model_copy(update=changes)


def rule(name: str, type: str, /, **options: Any) -> dict[str, Any]:
    """A rule as an author writes it; what is no option of every rule is a parameter."""
    common = {"id", "title", "execution", "run", "condition", "on_leave", "on_failure", "retry", "enabled"}
    params = {key: value for key, value in options.items() if key not in common}
    return {"name": name, "type": type, "params": params} | {k: v for k, v in options.items() if k in common}


def rule_set(pipeline: str = "sales", /, **stages: list[dict[str, Any]]) -> dict[str, Any]:
    """A document as an author writes it."""
    return {"pipeline": pipeline, "stages": {code: {"rules": rules} for code, rules in stages.items()}}


FURNITURE_SHOP = rule_set(
    new=[
        rule(
            "greet",
            "send_sms",
            execution="parallel",
            text="Hello {{ contact.first_name }}, a manager will contact you within 30 minutes",
        ),
        rule(
            "escalate",
            "notify_supervisor",
            execution="parallel",
            run={"when": "after", "minutes": 30},
            condition={"path": "item.activity_count", "op": "eq", "value": 0},
            text="{{ item.title }}: nobody has called {{ contact.name }}",
        ),
    ],
    documents=[
        rule("create_document", "create_document", template="invoice", wait_for_pdf=True, public_link=True),
        rule(
            "send_invoice",
            "send_email",
            subject="Your invoice {{ steps.create_document.number }}",
            text="You find it at {{ steps.create_document.public_link }}",
            attachments=[{"path": "steps.create_document.pdf"}],
        ),
    ],
    prepayment=[
        rule(
            "pack",
            "create_task",
            name="Pack {{ item.title }}",
            description="{% for row in products %}{{ row.quantity }} x {{ row.name }}\n{% endfor %}",
            assignee="warehouse",
            deadline={"in": {"days": 1}, "at": "14:00"},
        )
    ],
    won=[
        rule(
            "renew",
            "create_repeat_lead",
            execution="parallel",
            run={"when": "after", "months": 6},
            on_leave="finish",
            name="Renewal for {{ company.title }}",
        ),
        rule("install", "copy_deal", execution="parallel", pipeline="installation", stage="planned"),
    ],
)
"""The rules of scenario S1."""
