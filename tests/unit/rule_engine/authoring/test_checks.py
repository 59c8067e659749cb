"""What keeps a rule set from being published: every issue with its place, its rule and a remedy."""

from typing import Any

import pytest

from support.checking import SMS, in_new, issues, only
from support.shop import FURNITURE_SHOP, rule, rule_set

PDF = {"path": "steps.create_document.pdf"}


def test_the_furniture_shop_has_no_issues() -> None:
    assert issues(FURNITURE_SHOP) == []


@pytest.mark.parametrize(
    ("document", "where", "named", "what"),
    [
        (rule_set("sails"), "pipeline", None, "there is no pipeline 'sails': did you mean 'sales'?"),
        (rule_set("old"), "pipeline", None, "pipeline 'old' is archived"),
        (
            rule_set(wno=[]),
            "stages.wno",
            None,
            "there is no stage 'wno' in pipeline 'sales': did you mean 'won'?",
        ),
        (
            in_new(rule("it", "send_sms", **SMS), rule("it", "send_sms", **SMS)),
            "stages.new.rules[1].name",
            "it",
            "another rule of the stage has this name",
        ),
        (
            in_new(rule("it", "send_smss")),
            "stages.new.rules[0].type",
            "it",
            "there is no rule type 'send_smss': did you mean 'send_sms'?",
        ),
        (
            in_new(rule("it", "send_sms", text="Hello", colour="red")),
            "stages.new.rules[0].params.colour",
            "it",
            "there is no parameter 'colour' in send_sms: there are channel, phone_type, text",
        ),
        (in_new(rule("it", "send_sms")), "stages.new.rules[0].params.text", "it", "is required"),
        (
            in_new(rule("it", "create_document", template="invoice", public_link="perhaps")),
            "stages.new.rules[0].params.public_link",
            "it",
            "expected true or false, not this text",
        ),
        (
            in_new(rule("it", "create_task", name="Pack", deadline={"in": {"days": 1, "years": 1}})),
            "stages.new.rules[0].params.deadline.in.years",
            "it",
            "there is no 'years' here: there are days, hours, minutes, months, weeks",
        ),
        (
            in_new(rule("it", "create_task", name="Pack", deadline={})),
            "stages.new.rules[0].params.deadline",
            "it",
            "say in how long, at what time, from when, or several of them",
        ),
        (
            in_new(rule("it", "create_task", name="Pack", assignee="warehose")),
            "stages.new.rules[0].params.assignee",
            "it",
            "there is no employee 'warehose': did you mean 'warehouse'?",
        ),
        (
            in_new(rule("it", "create_task", name="Pack", participants=["sam", "nobody"])),
            "stages.new.rules[0].params.participants[1]",
            "it",
            "there is no employee 'nobody': there are sam, warehouse",
        ),
        (
            in_new(
                rule(
                    "it",
                    "send_sms",
                    text="Hi",
                    condition={"all": [{"path": "item.responsible_id", "op": "in", "value": ["sam", "samm"]}]},
                )
            ),
            "stages.new.rules[0].condition.all[0].value[1]",
            "it",
            "there is no employee 'samm': did you mean 'sam'?",
        ),
        (
            rule_set("bills", sent=[rule("it", "copy_deal", pipeline="sales")]),
            "stages.sent.rules[0].type",
            "it",
            "copy_deal is for deal, not for invoice pipelines",
        ),
    ],
)
def test_a_issue_says_where_in_which_rule_and_what(
    document: dict[str, Any], where: str, named: str | None, what: str
) -> None:
    assert only(document) == (where, named, what)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{{ contact.frist_name }}", "there is no name 'frist_name' in contact: did you mean 'first_name'?"),
        ("{{ contract.name }}", "there is no name 'contract': did you mean 'contact'?"),
        ("{{ item.fields.wod }}", "there is no name 'wod' in item.fields: did you mean 'wood'?"),
        (
            "{{ item.fields.budget }}",
            "there is no name 'budget' in item.fields: there are colours, delivery_on, joiners, plan, wood",
        ),
        ("{{ item.title.length }}", "item.title is a text: there is no 'length' in it"),
        (
            "{% for row in products %}{{ row.nmae }}{% endfor %}",
            "there is no name 'nmae' in products.0: did you mean 'name'?",
        ),
        (
            "{% for c in contacts %}{% for p in c.phones %}{{ p.nubmer }}{% endfor %}{% endfor %}",
            "there is no name 'nubmer' in contacts.0.phones.0: did you mean 'number'?",
        ),
        ("{{ item.title", "{{ is never closed by }}"),
        ("{{ item.title | upcas }}", "there is no filter upcas"),
        ("{{ item.amount }}", "item.amount is money: print it by {{ item.amount | money }}"),
        ("{{ company }}", "company is an object: name a part of it that can be printed"),
        (
            "{{ steps.later.message_id }}",
            "'later' is not before this rule in its chain: put it above, and let this one wait for it",
        ),
        ("{{ steps.nobody.message_id }}", "there is no name 'nobody' in steps: there are earlier"),
        ("{{ steps.earlier.mesage_id }}", "there is no name 'mesage_id' in steps.earlier: did you mean 'message_id'?"),
    ],
)
def test_a_text_with_a_wrong_name_is_a_issue(text: str, what: str) -> None:
    document = in_new(
        rule("earlier", "send_sms", **SMS), rule("it", "send_sms", text=text), rule("later", "send_sms", **SMS)
    )
    assert only(document) == ("stages.new.rules[1].params.text", "it", what)


@pytest.mark.parametrize(
    "text",
    [
        "{{ contacts.first.phones[0].number }} {{ contacts.size }} {{ item.title.size }}",
        "{{ item.fields.wood }} {{ item.fields.colours | join: ', ' }}",
        "{% assign who = contact %}{{ who.anything }}",
        "{% assign rows = products | sort: 'name' %}{% for row in rows %}{{ row.name }}{% endfor %}",
        "{{ now | date_format }} {{ today }} {{ tenant.name }} {{ my_company.bank }} {{ pipeline.code }}",
        "{% for row in products %}{{ forloop.index }}{% endfor %}",
        "{{ item.fields[stage.code] | default: '' }}",
    ],
)
def test_a_text_with_known_names_is_none(text: str) -> None:
    assert issues(in_new(rule("it", "send_sms", text=text))) == []


def test_outputs_are_those_of_earlier_enabled_rules_of_the_same_chain() -> None:
    make = rule("create_document", "create_document", template="invoice")
    send = rule("send", "send_email", subject="Hi", text="Hi", attachments=[PDF])
    assert issues(in_new(make, send)) == []
    assert "not before this rule in its chain" in only(in_new(make, send | {"execution": "parallel"}))[2]
    assert "is disabled, so it has no outputs" in only(in_new(make | {"enabled": False}, send))[2]
    assert "not before this rule in its chain" in only(in_new(send, make))[2]


def test_what_is_made_at_run_time_is_not_checked_by_its_type() -> None:
    document = in_new(
        rule(
            "it",
            "create_task",
            name="{{ item.title }}",
            priority="{{ item.fields.wood }}",
            assignee={"path": "responsible.id"},
            deadline={"in": {"days": "{{ item.fields.wood }}"}},
        )
    )
    assert issues(document) == []
    row = {"name": "{{ item.title }}", "price": {"path": "item.amount"}, "quantity": {"expr": "size(products) + 1"}}
    assert issues(in_new(rule("it", "add_products", rows=[row]))) == []


def test_a_constant_is_checked_by_its_type() -> None:
    where, _, what = only(in_new(rule("it", "create_task", name="Pack", priority={"const": "low"})))
    assert where == "stages.new.rules[0].params.priority"
    assert what == "is none of normal, high"


@pytest.mark.parametrize(
    ("written", "where", "what"),
    [
        (
            rule("it", "change_stage", stage="wno"),
            "params.stage",
            "there is no stage 'wno' in pipeline 'sales': did you mean 'won'?",
        ),
        (rule("it", "change_stage", stage="new"), "params.stage", "this is the stage the item is in already"),
        (
            rule("it", "copy_deal", pipeline="bills"),
            "params.pipeline",
            "there is no open pipeline 'bills' for deals: there are installation, sales",
        ),
        (
            rule("it", "copy_deal", pipeline="old"),
            "params.pipeline",
            "there is no open pipeline 'old' for deals: there are installation, sales",
        ),
        (
            rule("it", "copy_deal", pipeline="installation", stage="new"),
            "params.stage",
            "there is no stage 'new' in pipeline 'installation': there are done, planned",
        ),
        (
            rule("it", "copy_deal", stage="planned"),
            "params.stage",
            "there is no stage 'planned' in pipeline 'sales': there are documents, lost, new, prepayment, won",
        ),
        (
            rule("it", "create_repeat_lead", name="Again", stage="won"),
            "params.stage",
            "there is no stage 'won' in pipeline 'leads': there are incoming, qualified",
        ),
        (
            rule("it", "update_item", fields=[{"field": "fields.wod", "value": 1}]),
            "params.fields[0].field",
            "there is no field 'fields.wod': did you mean 'fields.wood'?",
        ),
        (
            rule("it", "update_item", fields=[{"field": "responsible_id", "value": "samm"}]),
            "params.fields[0].value",
            "there is no employee 'samm': did you mean 'sam'?",
        ),
        (
            rule("it", "update_item", fields=[{"field": "stage", "value": "won"}]),
            "params.fields[0].field",
            "stage cannot be set: title, amount, responsible_id, observer_ids, source, company_id, contact_ids, "
            "fields.wood, fields.delivery_on, fields.colours, fields.plan, fields.joiners can",
        ),
        (
            rule("it", "update_item", fields=[{"field": "amount", "value": "{{ item.amount | money }}"}]),
            "params.fields[0].value",
            'amount is money, not a text: use {"expr": "…"}',
        ),
        (
            rule("it", "update_item", fields=[{"field": "title", "value": {"path": "item.amount"}}]),
            "params.fields[0].value",
            "title is a text, item.amount is money",
        ),
        (
            rule("it", "update_item", fields=[{"field": "observer_ids", "value": {"path": "item.responsible_id"}}]),
            "params.fields[0].value",
            "observer_ids holds several values, item.responsible_id one value",
        ),
        (
            rule("it", "create_item", kind="lead", name="x", fields=[{"field": "amount", "value": 12}]),
            "params.fields[0].value",
            "amount: expected names with values, not a number",
        ),
        (
            rule("it", "update_linked_item", link="child", kind="deal", fields=[{"field": "title", "value": ["x"]}]),
            "params.fields[0].value",
            "title: expected a text, not a list",
        ),
        (
            rule("it", "update_contact", fields=[{"field": "name", "value": "Ada"}]),
            "params.fields[0].field",
            "name cannot be set: first_name, last_name, phones, emails, opted_out, time_zone can",
        ),
        (
            rule("it", "update_contact", fields=[{"field": "phones", "value": "911", "append": True}]),
            "params.fields[0].value",
            "phones[0].number: write the phone number with + and the country code",
        ),
        (
            rule("it", "update_contact", fields=[{"field": "opted_out", "value": "{{ item.title }}"}]),
            "params.fields[0].value",
            'opted_out is yes or no, not a text: use {"expr": "…"}',
        ),
        (
            rule("it", "update_contact", which="matching", fields=[{"field": "last_name", "value": "x"}]),
            "params.where",
            "say in a condition which ones are meant",
        ),
        (
            rule(
                "it",
                "update_contact",
                which="matching",
                where={"path": "each.nam", "op": "filled"},
                fields=[{"field": "last_name", "value": "x"}],
            ),
            "params.where.path",
            "there is no name 'nam' in each: did you mean 'name'?",
        ),
        (
            rule("it", "update_company", fields=[{"field": "titel", "value": "x"}]),
            "params.fields[0].field",
            "there is no field 'titel': did you mean 'title'?",
        ),
        (
            rule("it", "create_company", fields=[{"field": "address", "value": "x"}]),
            "params.fields",
            "a company has a title: give it one",
        ),
        (
            rule("it", "delete_products", where={"path": "each.quantity", "op": "contains", "value": "x"}),
            "params.where",
            "each.quantity is a number: 'contains' (contains) does not fit, but between, empty, eq, filled, ge, gt, "
            "in, le, lt, ne, not_in do",
        ),
        (
            rule("it", "delete_products", where={"path": "each.quantity"}),
            "params.where.op",
            "is required",
        ),
        (
            rule("it", "update_item", fields=[{"field": "title", "value": "x", "append": True}]),
            "params.fields[0].append",
            "title holds one value: it cannot be appended to",
        ),
        (
            rule("it", "change_stage", stage="won", on_leave="finish"),
            "on_leave",
            "an item is only moved while it is in the stage: a rule that moves it is cancelled when it leaves",
        ),
    ],
)
def test_places_and_fields_must_exist(written: dict[str, Any], where: str, what: str) -> None:
    assert only(in_new(written)) == (f"stages.new.rules[0].{where}", "it", what)


def moves(**targets: str) -> dict[str, Any]:
    return rule_set(**{stage: [rule("go", "change_stage", stage=target)] for stage, target in targets.items()})


def test_moves_that_go_round_at_once_are_a_issue_in_each_of_them() -> None:
    found = issues(moves(new="documents", documents="prepayment", prepayment="new", won="new"))
    assert [(issue.where, issue.rule) for issue in found] == [
        (f"stages.{stage}.rules[0].params", "go") for stage in ("new", "documents", "prepayment")
    ]
    assert "new → documents → prepayment → new" in found[0].what


@pytest.mark.parametrize(
    "brake",
    [
        {"run": {"when": "after", "days": 1}},
        {"condition": {"path": "item.title", "op": "filled"}},
        {"enabled": False},
    ],
)
def test_moves_that_something_holds_up_may_go_round(brake: dict[str, Any]) -> None:
    document = moves(new="documents", documents="new")
    document["stages"]["documents"]["rules"][0] |= brake
    assert issues(document) == []


def test_all_issues_are_told_at_once() -> None:
    document = rule_set(
        wno=[rule("a", "send_smss"), rule("b", "send_sms", text="{{ nobody }}", colour=1)],
        new=[rule("c", "change_stage")],
    )
    assert len(issues(document)) == 5


def test_an_else_rule_follows_a_rule_with_a_condition() -> None:
    condition = {"path": "item.activity_count", "op": "eq", "value": 0}
    first, other = rule("first", "send_sms", **SMS), rule("other", "send_sms", **SMS, execution="else")
    assert issues(in_new(first | {"condition": condition}, other)) == []
    assert only(in_new(first, other)) == (
        "stages.new.rules[1].execution",
        "other",
        "first has no condition that could be false: give it one, or use wait",
    )
    assert only(in_new(other)) == (
        "stages.new.rules[0].execution",
        "other",
        "there is no rule above this one: an else rule follows the rule whose condition was false",
    )


def test_what_a_run_time_counts_from_must_be_a_date_of_the_item() -> None:
    run = {"when": "before", "from": "item.fields.nowhere", "days": 1}
    where, named, what = only(in_new(rule("it", "send_sms", **SMS, run=run)))
    assert (where, named) == ("stages.new.rules[0].run.from", "it")
    assert what.startswith("there is no name 'nowhere' in item.fields")
