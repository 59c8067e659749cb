"""The table of every route there is: who may call it, with what, and what another tenant's people get there.

Written by hand, so that a route which changes its role, or comes without being put here, is noticed.
"""

from dataclasses import dataclass, field
from typing import Any

from security.running_stack import PAYMENT_SECRET
from security.seeded_tenant import CALLED, EMAIL, LIST, PHONE, ROW, TEMPLATE, WORKFLOW

VIEWER, AGENT, AUTHOR, OPERATOR, ADMIN = LADDER = ("viewer", "agent", "author", "operator", "admin")
"""Each role of people includes those before it."""
SERVICE, PLATFORM = "service", "platform"
"""Neither belongs to a tenant, and neither opens what is for the other. A service's token is for one other service."""
OUTSIDE = (SERVICE, PLATFORM)

HIDDEN = 404
"""What is another's does not exist."""
OWN = 200
"""The call concerns what the caller's own tenant has, or is about to have."""
MADE = 201
LACKS = 422
"""The caller's own tenant lacks what the body names, such as a pipeline."""


@dataclass(frozen=True)
class Route:
    """`of` fills the path: names of `Estate.ids` (maybe after the service's), else literally.

    `foreign` is what a new tenant's person gets.
    """

    role: str
    foreign: int
    of: tuple[str, ...] = ()
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)


DEAL = {"kind": "deal", "title": "Oak table"}
STAGES = [{"code": "new", "name": "New"}, {"code": "won", "name": "Won", "outcome": "won"}]
PIPELINE = {"name": "Sales", "kind": "deal", "stages": STAGES}
FORM_FIELD = {"name": "name", "label": "Name", "required": True, "target": "contact.name"}
GREET = {"name": "greet", "type": "send_sms", "params": {"text": "Hello"}}
CONTACT = {
    "first_name": "Kim",
    "last_name": "Example",
    "phones": [{"number": "+447700900456", "type": "work"}],
    "emails": [{"address": "kim@example.com", "type": "work"}],
    "opted_out": False,
}
COMPANY = {"title": "Example Hotels", "phones": [], "emails": [], "address": "Via Esempio 1", "tax_number": "IT1"}
PARTY = {
    "name": "Example",
    "vat_number": "DE136695976",
    "registered_on": "2020-02-29",
    "addresses": {"legal": {"street": "Via Esempio 1", "city": "Roma", "country": "IT"}},
    "bank_accounts": [{"bank": "Example Bank", "iban": "IT60X0542811101000000123456"}],
}
MY_COMPANY = {"name": "Example", "requisites": {"organisation": PARTY}}
EMPLOYEE = {"first_name": "Kim", "last_name": "Example", "email": "kim@example.com", "position": "Sales"}
ACCOUNT = {"name": "The other bank", "provider": "sandbox", "secret": PAYMENT_SECRET}
HOURS = [{"opens": "09:00", "closes": "18:00"}]
CALENDAR = {"week": {"mon": HOURS}, "country": "IT", "days": {"2026-12-24": []}}
SCHEDULE = {
    "time_zone": "Europe/Rome",
    "week": {"mon": HOURS},
    "absences": [{"from": "2026-07-20T00:00:00Z", "until": "2026-08-03T00:00:00Z"}],
}
TASK = {"name": "Measure", "description": "All of it", "deadline": "2030-01-01T12:00:00Z", "checklist": ["doors"]}
PLANNED = {"name": "Visit", "kind": "meeting", "deadline": "2030-01-01T12:00:00Z", "reminders": [15], "room": "oak"}
BOOKING = {"kind": "resource", "resource": "van", "start": "2030-01-02T12:00:00Z", "minutes": 60}
WEEK = {"from": "2030-01-01T00:00:00Z", "to": "2030-01-08T00:00:00Z"}
ITEM_REF = {"tenant_id": "00000000-0000-4000-8000-000000000001", "item_id": "00000000-0000-4000-8000-000000000002"}
SIMULATION = {"items": {"given": [{"pipeline": "sales", "stage": "new"}]}, "rule_sets": []}
RULE_OF_RUN = ("run", "rule")
BLOCK_OF_RUN = ("workflow_run", "1")
SWITCHED = {"rules": [{"stage": "new", "name": "greet"}]}

ENTITY = {
    "PUT /v1/tenant": Route(ADMIN, OWN, body={"name": "Shop", "time_zone": "Europe/Rome", "language": "en"}),
    "GET /v1/tenant": Route(VIEWER, HIDDEN),
    "PUT /v1/my-companies/{code}": Route(ADMIN, OWN, ("extra",), MY_COMPANY),
    "GET /v1/my-companies/{code}": Route(VIEWER, HIDDEN, ("oak_and_ash",)),
    "GET /v1/my-companies": Route(VIEWER, OWN),
    "GET /v1/item-types": Route(VIEWER, OWN),
    "PUT /v1/item-types/{code}": Route(AUTHOR, OWN, ("extra",), {"title": {"en": "Extra"}, "has_products": False}),
    "GET /v1/item-types/{code}": Route(VIEWER, HIDDEN, ("project",)),
    "GET /v1/pipelines": Route(VIEWER, OWN),
    "PUT /v1/pipelines/{code}": Route(AUTHOR, OWN, ("extra",), PIPELINE),
    "GET /v1/pipelines/{code}": Route(VIEWER, HIDDEN, ("sales",)),
    "GET /v1/fields": Route(VIEWER, OWN),
    "PUT /v1/fields/{kind}/{code}": Route(AUTHOR, OWN, ("deal", "extra"), {"name": "Wood", "type": "text"}),
    "GET /v1/fields/{kind}/{code}": Route(VIEWER, HIDDEN, ("deal", "wish")),
    "GET /v1/departments": Route(VIEWER, OWN),
    "PUT /v1/departments/{code}": Route(ADMIN, OWN, ("extra",), {"name": "Extra", "head": "somebody"}),
    "GET /v1/departments/{code}": Route(VIEWER, HIDDEN, ("warehouse",)),
    "GET /v1/employees": Route(VIEWER, OWN),
    "PUT /v1/employees/{code}": Route(ADMIN, OWN, ("extra",), EMPLOYEE),
    "GET /v1/employees/{code}": Route(VIEWER, HIDDEN, ("manager",)),
    "GET /v1/employees/{code}/references": Route(ADMIN, HIDDEN, ("manager",)),
    "PUT /v1/calendar": Route(ADMIN, OWN, body=CALENDAR),
    "GET /v1/calendar": Route(VIEWER, OWN),
    "PUT /v1/employees/{code}/schedule": Route(ADMIN, HIDDEN, ("head_of_sales",), SCHEDULE),
    "GET /v1/employees/{code}/schedule": Route(VIEWER, HIDDEN, ("manager",)),
    "PUT /v1/employees/{code}/presence": Route(AGENT, HIDDEN, ("head_of_sales",), {"at_work": True}),
    "GET /v1/employees/{code}/presence": Route(VIEWER, HIDDEN, ("manager",)),
    "POST /v1/contacts": Route(AGENT, MADE, body=CONTACT),
    "GET /v1/contacts": Route(VIEWER, OWN, query={"phone": PHONE, "email": EMAIL}),
    "GET /v1/contacts/{id}": Route(VIEWER, HIDDEN, ("contact",)),
    "GET /v1/contacts/{id}/consents": Route(AGENT, HIDDEN, ("contact",)),
    "PATCH /v1/contacts/{id}": Route(AGENT, HIDDEN, ("contact",), CONTACT),
    "POST /v1/companies": Route(AGENT, MADE, body=COMPANY),
    "GET /v1/companies": Route(VIEWER, OWN),
    "GET /v1/companies/{id}": Route(VIEWER, HIDDEN, ("company",)),
    "PATCH /v1/companies/{id}": Route(AGENT, HIDDEN, ("company",), COMPANY),
    "PUT /v1/exceptions/{address:path}": Route(AGENT, OWN, ("+447700900888",), {"note": "a machine"}),
    "DELETE /v1/exceptions/{address:path}": Route(AGENT, HIDDEN, ("+447700900999",)),
    "GET /v1/exceptions": Route(AGENT, OWN),
    "POST /v1/items": Route(AGENT, LACKS, body=DEAL),
    "GET /v1/items": Route(VIEWER, OWN, query={"q": "table"}),
    "POST /v1/items/import": Route(AGENT, LACKS, body={"items": [DEAL], "run_rules": False}),
    "GET /v1/items/{id}": Route(VIEWER, HIDDEN, ("item",)),
    "PATCH /v1/items/{id}": Route(AGENT, HIDDEN, ("item",), {"title": "Ash table", "fields": {"wish": "ash"}}),
    "DELETE /v1/items/{id}": Route(AGENT, HIDDEN, ("item",)),
    "PUT /v1/items/{id}/stage": Route(AGENT, HIDDEN, ("item",), {"stage": "lost", "pipeline": "sales"}),
    "POST /v1/items/{id}/conversions": Route(AGENT, HIDDEN, ("item",), {"target": "invoice"}),
    "PUT /v1/items/{id}/company": Route(AGENT, HIDDEN, ("item",), {"company_id": None}),
    "POST /v1/items/{id}/activities": Route(AGENT, HIDDEN, ("item",), {"kind": "note", "subject": "Hm", "text": ""}),
    "GET /v1/items/{id}/activities": Route(VIEWER, HIDDEN, ("item",)),
    "POST /v1/items/{id}/planned-activities": Route(AGENT, HIDDEN, ("item",), PLANNED),
    "GET /v1/items/{id}/planned-activities": Route(VIEWER, HIDDEN, ("item",)),
    "GET /v1/planned-activities": Route(VIEWER, OWN),
    "GET /v1/planned-activities/{id}": Route(VIEWER, HIDDEN, ("planned_activity",)),
    "PATCH /v1/planned-activities/{id}": Route(AGENT, HIDDEN, ("planned_activity",), {"status": "done"}),
    "PUT /v1/rooms/{code}": Route(AUTHOR, OWN, ("extra",), {"name": "Extra", "location": "Upstairs"}),
    "GET /v1/rooms/{code}": Route(VIEWER, HIDDEN, ("oak",)),
    "GET /v1/rooms": Route(VIEWER, OWN),
    "PUT /v1/lists/{code}": Route(AUTHOR, OWN, ("extra",), LIST),
    "GET /v1/lists/{code}": Route(VIEWER, HIDDEN, ("warranties",)),
    "GET /v1/lists": Route(VIEWER, OWN),
    "POST /v1/lists/{code}/rows": Route(AGENT, HIDDEN, ("warranties",), {"values": {"months": 12}}),
    "GET /v1/lists/{code}/rows": Route(VIEWER, HIDDEN, ("warranties",)),
    "GET /v1/lists/{code}/rows/{id}": Route(VIEWER, HIDDEN, ("warranties", "row")),
    "PATCH /v1/lists/{code}/rows/{id}": Route(AGENT, HIDDEN, ("warranties", "row"), {"values": {"months": 12}}),
    "DELETE /v1/lists/{code}/rows/{id}": Route(AGENT, HIDDEN, ("warranties", "row")),
    "GET /v1/rooms/{code}/bookings": Route(VIEWER, HIDDEN, ("oak",), query=WEEK),
    "PUT /v1/resources/{code}": Route(AUTHOR, OWN, ("extra",), {"name": "Extra"}),
    "GET /v1/resources/{code}": Route(VIEWER, HIDDEN, ("van",)),
    "GET /v1/resources": Route(VIEWER, OWN),
    "GET /v1/resources/{code}/bookings": Route(VIEWER, HIDDEN, ("van",), query=WEEK),
    "POST /v1/items/{id}/bookings": Route(AGENT, HIDDEN, ("item",), BOOKING),
    "GET /v1/items/{id}/bookings": Route(VIEWER, HIDDEN, ("item",)),
    "DELETE /v1/bookings/{id}": Route(AGENT, HIDDEN, ("booking",)),
    "GET /v1/employees/{code}/calendar": Route(VIEWER, HIDDEN, ("manager",), query=WEEK),
    "POST /v1/employees/{code}/calendar/feed": Route(AGENT, HIDDEN, ("head_of_sales",)),
    "DELETE /v1/employees/{code}/calendar/feed": Route(AGENT, HIDDEN, ("head_of_sales",)),
    "POST /v1/items/{id}/tasks": Route(AGENT, HIDDEN, ("item",), TASK),
    "GET /v1/items/{id}/tasks": Route(VIEWER, HIDDEN, ("item",)),
    "POST /v1/items/{id}/products": Route(AGENT, HIDDEN, ("item",), {"rows": [ROW], "currency": "EUR"}),
    "PUT /v1/items/{id}/products": Route(AGENT, HIDDEN, ("item",), {"rows": [ROW]}),
    "GET /v1/items/{id}/products": Route(VIEWER, HIDDEN, ("item",)),
    "GET /v1/items/{id}/timeline": Route(VIEWER, HIDDEN, ("item",)),
    "GET /v1/items/{id}/links": Route(VIEWER, HIDDEN, ("item",)),
    "GET /v1/tasks": Route(VIEWER, OWN),
    "PATCH /v1/tasks/{id}": Route(AGENT, HIDDEN, ("task",), {"status": "done"}),
    "POST /v1/items/{id}/invoices": Route(AGENT, HIDDEN, ("item",), {"title": "Invoice"}),
    "GET /v1/items/{id}/payments": Route(VIEWER, HIDDEN, ("item",)),
    "GET /v1/payments/{id}": Route(VIEWER, HIDDEN, ("payment",)),
    "GET /v1/items/{id}/shipments": Route(VIEWER, HIDDEN, ("item",)),
    "GET /v1/shipments/{id}": Route(VIEWER, HIDDEN, ("shipment",)),
    "PUT /v1/payment-accounts/{code}": Route(ADMIN, MADE, ("bank",), ACCOUNT),
    "GET /v1/payment-accounts/{code}": Route(ADMIN, HIDDEN, ("bank",)),
    "GET /v1/payment-accounts": Route(ADMIN, OWN),
    "PUT /v1/carriers/{code}": Route(ADMIN, MADE, ("courier",), ACCOUNT),
    "GET /v1/carriers/{code}": Route(ADMIN, HIDDEN, ("courier",)),
    "GET /v1/carriers": Route(ADMIN, OWN),
    "POST /internal/contexts": Route(SERVICE, OWN, body={"items": [ITEM_REF], "parts": ["stage"]}),
    "GET /internal/schema/{tenant}": Route(SERVICE, OWN, ("nobody",)),
    "GET /internal/items/in-stage": Route(
        SERVICE, OWN, query={"tenant": ITEM_REF["tenant_id"], "pipeline": "sales", "stage": "new"}
    ),
    "POST /internal/items/linked": Route(SERVICE, OWN, body={"items": [ITEM_REF]}),
    "GET /internal/items/by-contact": Route(SERVICE, OWN, query={"tenant": ITEM_REF["tenant_id"], "phone": PHONE}),
}
RULE_ENGINE = {
    "PUT /v1/rule-sets/{code}": Route(
        AUTHOR,
        OWN,
        ("extra",),
        {"pipeline": "installation", "name": "Extra", "stages": {"planned": {"rules": [GREET]}}},
    ),
    "POST /v1/rule-sets/{code}/publish": Route(AUTHOR, HIDDEN, ("sales",)),
    "GET /v1/rule-sets/{code}": Route(VIEWER, HIDDEN, ("sales",)),
    "GET /v1/rule-sets": Route(VIEWER, OWN),
    "GET /v1/rule-sets/{code}/versions": Route(VIEWER, HIDDEN, ("sales",)),
    "GET /v1/rule-sets/{code}/diff": Route(VIEWER, HIDDEN, ("sales",), query={"from": "1", "to": "newest"}),
    "POST /v1/rule-sets/{code}/rollback": Route(AUTHOR, HIDDEN, ("sales",), {"version": 1}),
    "POST /v1/rule-sets/{code}/rules/enable": Route(AUTHOR, HIDDEN, ("sales",), SWITCHED),
    "POST /v1/rule-sets/{code}/rules/disable": Route(AUTHOR, HIDDEN, ("sales",), SWITCHED),
    "POST /v1/rule-sets/{code}/copy": Route(AUTHOR, HIDDEN, ("sales",), {"stage": "new", "to_stage": "won"}),
    "POST /v1/rule-sets/{code}/backfills": Route(OPERATOR, HIDDEN, ("sales",), {"stage": "new"}),
    "GET /v1/rule-sets/{code}/backfills/{id}": Route(VIEWER, HIDDEN, ("sales", "item")),
    "POST /v1/rule-sets/{code}/migrations": Route(OPERATOR, HIDDEN, ("sales",), {"stages": ["new"]}),
    "GET /v1/rule-sets/{code}/migrations": Route(VIEWER, HIDDEN, ("sales",)),
    "GET /v1/rule-sets/{code}/migrations/{id}": Route(VIEWER, HIDDEN, ("sales", "item")),
    "GET /v1/rule-sets/{code}/migrations/{id}/runs": Route(VIEWER, HIDDEN, ("sales", "item")),
    "POST /v1/rule-sets/{code}/migrations/{id}/cancel": Route(OPERATOR, HIDDEN, ("sales", "item")),
    "GET /v1/employees/{id}/workflows": Route(VIEWER, OWN, ("item",)),
    "GET /v1/employees/{id}/rules": Route(VIEWER, OWN, ("item",)),
    "GET /v1/decisions": Route(VIEWER, HIDDEN, query={"item": ITEM_REF["item_id"]}),
    "GET /v1/rule-types": Route(VIEWER, OWN),
    "PUT /v1/variables/{code}": Route(AUTHOR, OWN, ("extra",), {"name": "Extra", "type": "int", "value": 1}),
    "GET /v1/variables/{code}": Route(VIEWER, HIDDEN, ("visits",)),
    "GET /v1/variables": Route(VIEWER, OWN),
    "PUT /v1/variables/{code}/value": Route(OPERATOR, HIDDEN, ("visits",), {"value": 5}),
    "GET /v1/variables/{code}/value": Route(VIEWER, HIDDEN, ("visits",)),
    "PUT /v1/constants/{code}": Route(AUTHOR, OWN, ("extra",), {"name": "Extra", "type": "string", "value": "x"}),
    "GET /v1/constants/{code}": Route(VIEWER, HIDDEN, ("signer",)),
    "GET /v1/constants": Route(VIEWER, OWN),
    "GET /v1/runs": Route(VIEWER, OWN),
    "GET /v1/runs/{run_id}": Route(VIEWER, HIDDEN, ("run",)),
    "GET /v1/runs/{run_id}/diagnosis": Route(VIEWER, HIDDEN, ("run",)),
    "GET /v1/automation/items/{item_id}/diagnosis": Route(VIEWER, HIDDEN, ("item",)),
    "POST /v1/runs/{run_id}/rules/{rule_id}/run-now": Route(OPERATOR, HIDDEN, RULE_OF_RUN),
    "POST /v1/runs/{run_id}/rules/{rule_id}/postpone": Route(
        OPERATOR, HIDDEN, RULE_OF_RUN, {"until": "2030-01-01T12:00:00Z"}
    ),
    "POST /v1/runs/{run_id}/rules/{rule_id}/cancel": Route(OPERATOR, HIDDEN, RULE_OF_RUN),
    "POST /v1/runs/{run_id}/cancel": Route(OPERATOR, HIDDEN, ("run",)),
    "POST /v1/runs/{run_id}/rules/{rule_id}/retry": Route(OPERATOR, HIDDEN, RULE_OF_RUN),
    "GET /v1/automation/items/{item_id}": Route(VIEWER, HIDDEN, ("item",)),
    "PUT /v1/workflows/{code}": Route(AUTHOR, OWN, ("extra",), WORKFLOW),
    "POST /v1/workflows/{code}/publish": Route(AUTHOR, HIDDEN, ("welcome",)),
    "POST /v1/workflows/{code}/rollback": Route(AUTHOR, HIDDEN, ("welcome",), {"version": 1}),
    "GET /v1/workflows/{code}": Route(VIEWER, HIDDEN, ("welcome",)),
    "GET /v1/workflows": Route(VIEWER, OWN),
    "GET /v1/workflows/{code}/diagram": Route(VIEWER, HIDDEN, ("welcome",)),
    "GET /v1/workflows/{code}/diff": Route(VIEWER, HIDDEN, ("welcome",), query={"from": "1", "to": "newest"}),
    "GET /v1/block-types": Route(VIEWER, OWN),
    "GET /v1/workflow-schema": Route(VIEWER, OWN),
    "GET /v1/workflows/{code}/versions": Route(VIEWER, HIDDEN, ("welcome",)),
    "POST /v1/workflows/{code}/runs": Route(VIEWER, HIDDEN, ("welcome",), {"item_id": ITEM_REF["item_id"]}),
    "GET /v1/workflows/{code}/runs": Route(VIEWER, HIDDEN, ("welcome",)),
    "POST /v1/workflows/{code}/migrations": Route(VIEWER, HIDDEN, ("welcome",), {"versions": [1]}),
    "GET /v1/workflows/{code}/migrations": Route(VIEWER, HIDDEN, ("welcome",)),
    "GET /v1/workflows/{code}/migrations/{id}": Route(VIEWER, HIDDEN, ("welcome", "item")),
    "GET /v1/workflows/{code}/migrations/{id}/runs": Route(VIEWER, HIDDEN, ("welcome", "item")),
    "POST /v1/workflows/{code}/migrations/{id}/cancel": Route(VIEWER, HIDDEN, ("welcome", "item")),
    "GET /v1/assignments": Route(VIEWER, OWN),
    "GET /v1/assignments/{assignment_id}": Route(VIEWER, HIDDEN, ("assignment",)),
    "POST /v1/assignments/{assignment_id}/answer": Route(VIEWER, HIDDEN, ("assignment",), {"choice": "approve"}),
    "POST /v1/assignments/{assignment_id}/delegate": Route(VIEWER, HIDDEN, ("assignment",), {"to": "manager"}),
    "POST /v1/runs/{run_id}/events": Route(VIEWER, HIDDEN, ("workflow_run",), {"name": "command.go"}),
    "POST /v1/runs/{run_id}/terminate": Route(VIEWER, HIDDEN, ("workflow_run",), {"reason": "enough"}),
    "POST /v1/runs/{run_id}/suspend": Route(VIEWER, HIDDEN, ("workflow_run",)),
    "POST /v1/runs/{run_id}/jump": Route(VIEWER, HIDDEN, ("workflow_run",), {"block": "over"}),
    "POST /v1/runs/{run_id}/resume": Route(VIEWER, HIDDEN, ("workflow_run",)),
    "POST /v1/runs/{run_id}/blocks/{block}/move": Route(
        VIEWER, HIDDEN, BLOCK_OF_RUN, {"until": "2030-01-01T12:00:00Z"}
    ),
    "POST /v1/runs/{run_id}/blocks/{block}/retry": Route(VIEWER, HIDDEN, BLOCK_OF_RUN),
    "POST /v1/runs/{run_id}/blocks/{block}/skip": Route(VIEWER, HIDDEN, BLOCK_OF_RUN),
    "POST /v1/simulations": Route(AUTHOR, LACKS, body=SIMULATION),
    "POST /v1/rule-sets/{code}/canary": Route(AUTHOR, HIDDEN, ("sales",), {"share": 10}),
    "GET /v1/rule-sets/{code}/canary": Route(VIEWER, HIDDEN, ("sales",)),
    "PATCH /v1/rule-sets/{code}/canary": Route(AUTHOR, HIDDEN, ("sales",), {"share": 20}),
    "POST /v1/rule-sets/{code}/canary/promote": Route(AUTHOR, HIDDEN, ("sales",)),
    "POST /v1/rule-sets/{code}/canary/rollback": Route(AUTHOR, HIDDEN, ("sales",), {"reason": "too many fail"}),
    "POST /v1/workflows/{code}/canary": Route(AUTHOR, HIDDEN, ("welcome",), {"share": 10}),
    "GET /v1/workflows/{code}/canary": Route(VIEWER, HIDDEN, ("welcome",)),
    "PATCH /v1/workflows/{code}/canary": Route(AUTHOR, HIDDEN, ("welcome",), {"share": 20}),
    "POST /v1/workflows/{code}/canary/promote": Route(AUTHOR, HIDDEN, ("welcome",)),
    "POST /v1/workflows/{code}/canary/rollback": Route(AUTHOR, HIDDEN, ("welcome",), {"reason": "too many fail"}),
    "POST /v1/rule-sets/{code}/replays": Route(AUTHOR, HIDDEN, ("sales",), {"version": "newest"}),
    "POST /v1/workflows/{code}/replays": Route(AUTHOR, HIDDEN, ("welcome",), {"version": "newest"}),
}
TRIGGER = {
    "GET /v1/employees/{id}/triggers": Route(VIEWER, OWN, ("item",)),
    "GET /v1/trigger-types": Route(VIEWER, OWN),
    "PUT /v1/triggers/{code}": Route(AUTHOR, LACKS, ("extra",), CALLED),
    "GET /v1/triggers/{code}": Route(VIEWER, HIDDEN, ("called",)),
    "GET /v1/triggers": Route(VIEWER, OWN),
    "POST /v1/triggers/{code}/rotate": Route(AUTHOR, HIDDEN, ("called",)),
    "PUT /v1/forms/{code}": Route(
        AUTHOR, LACKS, ("extra",), {"name": "Extra", "fields": [FORM_FIELD], "pipeline": "sales", "title": "Extra"}
    ),
    "GET /v1/forms/{code}": Route(VIEWER, HIDDEN, ("site",)),
    "GET /v1/forms": Route(VIEWER, OWN),
    "GET /v1/arrivals": Route(VIEWER, OWN),
    "GET /v1/arrivals/{id}": Route(VIEWER, HIDDEN, ("arrival",)),
    "GET /v1/arrivals/{id}/submission": Route(OPERATOR, HIDDEN, ("arrival",)),
    "POST /v1/arrivals/{id}/retry": Route(OPERATOR, HIDDEN, ("arrival",)),
    "GET /internal/triggers/{tenant}": Route(SERVICE, OWN, ("nobody",)),
}
DOC = {
    "GET /internal/templates/{tenant}": Route(SERVICE, OWN, ("nobody",)),
    "POST /v1/files": Route(AGENT, MADE, body={"a": "file"}),
    "GET /v1/files/{file_id}": Route(VIEWER, HIDDEN, ("file",)),
    "GET /internal/files/{file_id}": Route(SERVICE, HIDDEN, ("file",), query={"tenant": ITEM_REF["tenant_id"]}),
    "PUT /v1/templates/{code}": Route(AUTHOR, OWN, ("extra",), TEMPLATE),
    "GET /v1/templates/{code}": Route(VIEWER, HIDDEN, ("act",)),
    "GET /v1/templates": Route(VIEWER, OWN),
    "GET /v1/documents": Route(VIEWER, OWN),
    "GET /v1/documents/{document_id}": Route(VIEWER, HIDDEN, ("document",)),
    "POST /v1/documents/{document_id}/links": Route(AGENT, HIDDEN, ("document",), {"days": 2}),
    "DELETE /v1/documents/{document_id}/links": Route(AGENT, HIDDEN, ("document",)),
    "GET /v1/qr-codes": Route(VIEWER, OWN),
    "GET /v1/qr-codes/{id}": Route(VIEWER, HIDDEN, ("qr_code",)),
}
COMMS = {
    "GET /internal/channels/{tenant}": Route(SERVICE, OWN, ("nobody",)),
    "PUT /internal/sender-domains/{tenant}/{domain}": Route(PLATFORM, OWN, ("nobody", "oak-and-ash.example")),
    "DELETE /internal/sender-domains/{tenant}/{domain}": Route(PLATFORM, HIDDEN, ("nobody", "ash-and-oak.example")),
    "PUT /v1/sender-domains/{domain}": Route(AUTHOR, OWN, ("elm.example",), {}),
    "POST /v1/sender-domains/{domain}/check": Route(AUTHOR, HIDDEN, ("oak-and-ash.example",)),
    "GET /v1/sender-domains/{domain}": Route(AUTHOR, HIDDEN, ("oak-and-ash.example",)),
    "DELETE /v1/sender-domains/{domain}": Route(AUTHOR, HIDDEN, ("oak-and-ash.example",)),
    "GET /v1/sender-domains": Route(AUTHOR, OWN),
    "PUT /v1/channels/{code}": Route(
        AUTHOR,
        LACKS,
        ("extra",),
        {"kind": "email", "name": "Extra", "sender_address": "a@oak-and-ash.example", "sender_name": ""},
    ),
    "GET /v1/channels/{code}": Route(AUTHOR, HIDDEN, ("mail",)),
    "GET /v1/channels": Route(AUTHOR, OWN),
    "PUT /v1/opt-outs/{address:path}": Route(AGENT, OWN, ("+447700900888",), {"opted_out": True, "note": "asked"}),
    "GET /v1/opt-outs/{address:path}": Route(AGENT, HIDDEN, ("+447700900999",)),
    "GET /v1/messages": Route(VIEWER, OWN),
    "GET /v1/messages/{message_id}": Route(VIEWER, HIDDEN, ("message",)),
    "GET /v1/notifications": Route(VIEWER, OWN),
    "POST /v1/notifications/{notification_id}/read": Route(VIEWER, HIDDEN, ("notification",)),
}
ELSEWHERE = {"tenant": ITEM_REF["tenant_id"]}
REPLAY = {"filter": ELSEWHERE | {"topic": "crm.doc.commands.v1"}, "reason": "mended", "per_second": 5}
DISCARD = {"filter": ELSEWHERE | {"topic": "crm.doc.commands.v1"}, "reason": "noise"}
KIT = {
    "GET /internal/dead-letters": Route(PLATFORM, OWN, query=ELSEWHERE),
    "GET /internal/dead-letters/{letter_id}": Route(PLATFORM, HIDDEN, ("nobody",)),
    "POST /internal/dead-letters/replays": Route(PLATFORM, MADE, body=REPLAY),
    "POST /internal/dead-letters/discards": Route(PLATFORM, MADE, body=DISCARD),
    "GET /internal/dead-letter-actions": Route(PLATFORM, OWN),
    "GET /internal/dead-letter-actions/{action_id}": Route(PLATFORM, HIDDEN, ("nobody",)),
    "GET /v1/quotas": Route(VIEWER, OWN),
    "GET /v1/changes": Route(ADMIN, OWN, query={"kind": "pipeline", "code": "sales"}),
    "GET /internal/quotas/{tenant}": Route(PLATFORM, OWN, ("nobody",)),
    "PUT /internal/quotas/{tenant}/{name}": Route(PLATFORM, HIDDEN, ("nobody", "pigeons"), {"limit": 5}),
    "GET /internal/parked-outbox-rows": Route(PLATFORM, OWN),
    "POST /internal/parked-outbox-rows/{row_id}/release": Route(PLATFORM, HIDDEN, ("1",), {"reason": "mended"}),
}
"""Those of every service."""
ROUTES = {
    "entity-service": ENTITY | KIT,
    "rule-engine": RULE_ENGINE | KIT,
    "trigger-service": TRIGGER | KIT,
    "doc-service": DOC | KIT,
    "comms-service": COMMS | KIT,
}

PROBES = {"GET /health/live", "GET /health/ready", "GET /metrics"}
"""For probes and scrapers inside the platform; without tenant data."""
OPEN = {
    "entity-service": PROBES
    | {"GET /calendars/{token}", "POST /hooks/payments/{token}", "POST /hooks/carriers/{token}"},
    "rule-engine": PROBES,
    "trigger-service": PROBES
    | {
        "GET /f/{token}",
        "POST /f/{token}",
        "OPTIONS /f/{token}",
        "POST /hooks/t/{token}",
    },
    "doc-service": PROBES
    | {
        f"{method} {path}"
        for method in ("GET", "HEAD")
        for path in ("/d/{token}", "/d/{token}/pdf", "/q/{token}", "/q/{token}/image.png")
    },
    "comms-service": PROBES | {"POST /public/receipts/sms"},
}
"""Beside the platform's: for strangers who hold an unguessable token or sign what they send."""


def below(role: str) -> tuple[str, ...]:
    """The roles of people that do not suffice where `role` is needed."""
    return LADDER if role in OUTSIDE else LADDER[: LADDER.index(role)]
