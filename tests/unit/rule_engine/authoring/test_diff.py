"""What differs between two versions, in words."""

from typing import Any
from uuid import UUID

from rule_engine.domain.authoring.compiling import with_ids
from rule_engine.domain.authoring.diff import changes
from rule_engine.domain.authoring.document import RuleSetDocument
from support.shop import rule, rule_set

_NUMBERS = iter(range(1, 10_000))


def version(*before: RuleSetDocument, name: str = "", **stages: list[dict[str, Any]]) -> RuleSetDocument:
    """A document with ids, which rules keep from the versions before."""
    document = RuleSetDocument.model_validate(rule_set(**stages) | {"name": name})
    return with_ids(document, before, lambda: UUID(int=next(_NUMBERS)))


def words(before: RuleSetDocument, after: RuleSetDocument) -> list[str]:
    return [change.what for change in changes(before, after)]


def sms(name: str = "greet", text: str = "Hello", **options: Any) -> dict[str, Any]:
    return rule(name, "send_sms", text=text, **options)


def test_nothing_differs_between_a_version_and_itself() -> None:
    one = version(new=[sms()])
    assert words(one, one) == []


def test_a_changed_field_is_named_with_both_values() -> None:
    before = version(new=[sms(run={"when": "after", "minutes": 30})])
    after = version(before, new=[sms(text="Hi", run={"when": "after", "minutes": 5}, enabled=False)])
    (minutes, enabled, text) = changes(before, after)
    assert (minutes.stage, minutes.rule, minutes.field, minutes.before, minutes.after) == (
        "new",
        "greet",
        "run.minutes",
        30,
        5,
    )
    assert enabled.what == "new: rule 'greet': enabled is False, before True"
    assert text.what == "new: rule 'greet': params.text is 'Hi', before 'Hello'"


def test_rules_that_come_and_go_are_told_whole() -> None:
    before = version(new=[sms("a")])
    after = version(before, new=[sms("b")])
    assert words(before, after) == ["new: rule 'a' (send_sms) is removed", "new: rule 'b' (send_sms) is added"]


def test_a_renamed_rule_is_the_same_rule() -> None:
    before = version(new=[sms("a")])
    kept = str(before.stages["new"].rules[0].id)
    after = version(before, new=[sms("b", id=kept)])
    assert words(before, after) == ["new: rule 'b': name is 'b', before 'a'"]


def test_a_rule_moved_to_another_stage_or_place_is_told_once() -> None:
    before = version(new=[sms("a"), sms("b"), sms("c")])
    ids = [str(one.id) for one in before.stages["new"].rules]
    elsewhere = version(before, new=[sms("b"), sms("c")], won=[sms("a", id=ids[0])])
    assert words(before, elsewhere) == ["won: rule 'a' was moved here from new"]
    swapped = version(before, new=[sms("b"), sms("a"), sms("c")])
    assert words(before, swapped) == ["new: rule 'b' is number 1, before 2"]


def test_an_empty_text_and_the_name_of_the_set_are_told_in_words() -> None:
    before = version(new=[], name="Sales")
    after = version(before, new=[])
    assert words(before, after) == ["the rule set is called empty, before 'Sales'"]
