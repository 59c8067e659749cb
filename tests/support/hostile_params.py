"""Of every rule type every parameter, as an author who means well writes it."""

from collections.abc import Mapping

from support.corpus import Json

QUIET = "quiet"
"""A stage without rules."""

FIELDS: Mapping[str, Json] = {
    "note": "A note",
    "notes": ["one", "two"],
    "count": 3,
    "day": "2096-02-29",
    "moment": "2096-02-29T12:00:00Z",
    "cost": {"amount": 1_000, "currency": "EUR"},
    "wood": "oak",
    "flag": True,
}
PARAMS: Mapping[str, Mapping[str, Json]] = {
    "send_email": {
        "subject": "Hello {{ item.title }}",
        "text": "Hello {{ contact.name }}",
        "html": False,
        "address_type": "auto",
        "attachments": [],
        "channel": "mail",
    },
    "send_sms": {"text": "Hello {{ item.title }}", "phone_type": "auto", "channel": "sms"},
    "notify_supervisor": {"text": "See {{ item.title }}", "recipients": ["head"]},
    "notify_employee": {
        "text": "See {{ item.title }}",
        "sender": "seller",
        "employees": ["head"],
        "departments": ["sales"],
        "roles": ["responsible", "supervisor", "observers"],
    },
    "add_timeline_comment": {"text": "See {{ item.title }}", "author": "seller"},
    "add_history_entry": {"text": "Saw {{ item.fields.note }}", "author": "seller"},
    "change_observers": {"action": "add", "observers": ["head"]},
    "change_responsible": {
        "employees": ["seller"],
        "departments": ["sales"],
        "method": "in_order",
        "skip_absent": True,
        "skip_not_at_work": False,
    },
    "get_employee": {"employee": "seller"},
    "select_employee": {
        "method": "random",
        "employees": ["seller"],
        "departments": ["sales"],
        "of": "seller",
        "reserve": ["head"],
        "skip_absent": True,
    },
    "generate_code": {"length": 8, "alphabet": "ABC123"},
    "complete_tasks": {"stage": "s1"},
    "create_task": {
        "name": "Call {{ contact.name }}",
        "description": "{{ item.fields.note }}",
        "assignee": "seller",
        "deadline": {"in": {"days": 1}, "at": "14:00"},
        "participants": ["head"],
        "observers": ["head"],
        "checklist": ["first", "second"],
        "priority": "high",
        "tags": ["tag"],
        "complete_on_leave": True,
    },
    "plan_activity": {
        "name": "Visit {{ contact.name }}",
        "description": "{{ item.fields.note }}",
        "deadline": {"in": {"days": 1}, "at": "14:00", "from": {"path": "item.fields.moment"}},
        "minutes": 30,
        "reminders": [15, 1440],
        "responsible": "seller",
        "colour": "yellow",
        "add_to_calendar": True,
        "clients": "all",
        "guests": ["head"],
        "address": "{{ company.address }}",
        "room": None,
        "link": "https://meet.example/visit",
        "files": [],
        "complete_on_leave": True,
    },
    "schedule_call": {
        "subject": "Call {{ contact.name }}",
        "description": "{{ item.fields.note }}",
        "date": {"in": {"days": 1}, "at": "14:00"},
        "responsible": "seller",
        "complete_on_leave": True,
    },
    "schedule_meeting": {
        "subject": "Visit {{ contact.name }}",
        "description": "{{ item.fields.note }}",
        "date": {"in": {"hours": 1}},
        "responsible": "seller",
        "complete_on_leave": True,
    },
    "complete_activities": {"kinds": ["call"], "author": "seller"},
    "book_resource": {"resource": "van", "service": "{{ item.title }}", "start": {"in": {"days": 1}}, "minutes": 60},
    "create_repeat_lead": {
        "name": "Again {{ item.title }}",
        "responsible": "seller",
        "source": "repeat",
        "pipeline": "leads",
        "stage": "new",
    },
    "copy_deal": {"name": "Copy of {{ item.title }}", "pipeline": "orders", "stage": QUIET, "responsible": "seller"},
    "create_document": {
        "template": "act",
        "wait_for_pdf": True,
        "public_link": True,
        "link_days": 1,
        "fields": {"number": "7", "item.fields.note": "Another note"},
    },
    "update_item": {
        "fields": [
            {"field": "title", "value": "{{ item.title }}", "append": False},
            {"field": "amount", "value": {"const": {"amount": 5, "currency": "EUR"}}, "append": False},
            *({"field": f"fields.{code}", "value": {"const": value}} for code, value in FIELDS.items()),
        ],
        "changed_by": "seller",
    },
    "change_stage": {"stage": QUIET, "changed_by": "seller"},
    "set_variable": {"variable": "a_text", "value": "{{ item.title }}"},
    "calculate": {
        "values": [
            {"name": "first", "value": {"expr": "item.fields.count + 1"}, "variable": "a_number"},
            {"name": "second", "value": "{{ item.fields.note }}", "variable": "a_text"},
            {"name": "third", "value": ["{{ item.title }}"], "variable": "a_list"},
        ]
    },
    "start_workflow": {
        "workflow": "look-after",
        "item": {"path": "item.id"},
        "parameters": {"word": "{{ item.title }}"},
        "wait_for_end": False,
    },
    "stop_workflows": {"workflow": "look-after"},
    "stop_automation": {"stage": QUIET},
}
"""Of every rule type every parameter, as an author who means well writes it."""
