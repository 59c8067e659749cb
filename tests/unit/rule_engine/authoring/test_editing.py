"""Rules that are copied and switched."""

from typing import Any

import pytest

from rule_engine.domain.authoring.document import RuleDocument, RuleSetDocument
from rule_engine.domain.authoring.editing import Copying, NotThereError, switched, with_copies
from support.shop import rule, rule_set


def document(pipeline: str = "sales", **stages: list[dict[str, Any]]) -> RuleSetDocument:
    return RuleSetDocument.model_validate(rule_set(pipeline, **stages))


def copied(how: Copying, source: RuleSetDocument, into: RuleSetDocument | None = None) -> tuple[RuleDocument, ...]:
    return with_copies(into or source, source, how).stages[how.to_stage].rules


PAIR = [
    rule("doc", "create_document", template="invoice"),
    rule(
        "mail",
        "send_email",
        subject="{{ steps.doc.number }} {{ steps['doc'].number }} {{ steps.docs }}",
        attachments=[{"path": "steps.doc.pdf"}],
        condition={"not": {"path": "steps.doc.public_link", "op": "empty"}},
    ),
]


def test_copies_keep_their_names_where_those_are_free() -> None:
    rules = copied(Copying("new", "won"), document(new=PAIR))
    assert [one.name for one in rules] == ["doc", "mail"]
    assert [one.id for one in rules] == [None, None]


def test_copies_beside_their_originals_get_names_of_their_own_and_speak_of_each_other() -> None:
    rules = copied(Copying("new", "new"), document(new=PAIR))
    assert [one.name for one in rules] == ["doc", "mail", "doc_2", "mail_2"]
    mail = rules[3]
    assert mail.params["subject"] == "{{ steps.doc_2.number }} {{ steps['doc_2'].number }} {{ steps.docs }}"
    assert mail.params["attachments"] == [{"path": "steps.doc_2.pdf"}]
    assert mail.condition is not None
    assert mail.condition.model_dump(by_alias=True)["not"]["path"] == "steps.doc_2.public_link"


def test_copies_begin_a_chain_of_their_own() -> None:
    target = document("installation", planned=[rule("first", "send_sms", text="Hi")])
    rules = copied(Copying("new", "planned", ("doc",)), document(new=PAIR), target)
    assert [(one.name, one.execution) for one in rules] == [("first", "wait"), ("doc", "parallel")]


def test_a_long_name_is_cut_for_its_number() -> None:
    name = "a" * 64
    rules = copied(Copying("new", "new"), document(new=[rule(name, "send_sms", text="Hi")]))
    assert rules[1].name == "a" * 62 + "_2"


@pytest.mark.parametrize(
    ("copying", "where", "what"),
    [
        (Copying("nwe", "won"), "stage", "there is no stage with rules 'nwe': did you mean 'new'?"),
        (Copying("new", "won", ("doc", "male")), "rules[1].name", "there is no rule 'male' in stage 'new'"),
    ],
)
def test_what_is_not_there_is_named(copying: Copying, where: str, what: str) -> None:
    with pytest.raises(NotThereError, match=what) as caught:
        copied(copying, document(new=PAIR))
    assert caught.value.where == where


def test_rules_are_switched_by_stage_and_name() -> None:
    off = switched(document(new=PAIR, won=PAIR), [("won", "mail")], False)
    assert [(code, one.name) for code, stage in off.stages.items() for one in stage.rules if not one.enabled] == [
        ("won", "mail")
    ]
    with pytest.raises(NotThereError, match="did you mean 'mail'"):
        switched(off, [("won", "mial")], True)
