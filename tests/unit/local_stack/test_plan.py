"""`stack plan` says what `stack apply` would change, by the services' own OpenAPI documents."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from local_stack.apply import ApplyError, Document
from local_stack.plan import plan


class There:
    """Services that answer what a test gave by the document's name, else that there is nothing."""

    def __init__(self, **answers: Any) -> None:
        self._answers = {name.replace("__", "/").replace("_", "-"): answer for name, answer in answers.items()}

    def get(self, document: Document) -> httpx.Response:
        answer = self._answers.get(document.name)
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(404 if answer is None else 200, json=answer)


def words(kind: str, code: str, spec: dict[str, Any], there: There) -> str:
    (planned,) = plan([Document(Path("shop.yaml"), kind, code, spec)], there)
    return planned.words()


PIPELINE = {
    "code": "sales",
    "name": "Sales",
    "kind": "deal",
    "archived": False,
    "stages": [
        {"code": "new", "name": "New", "outcome": "open", "position": 0},
        {"code": "won", "name": "Won", "outcome": "won", "position": 1},
    ],
}
STAGES = [{"code": "new", "name": "New"}, {"code": "won", "name": "Won", "outcome": "won"}]


def test_what_is_not_there_is_created() -> None:
    assert words("pipeline", "sales", {"name": "Sales"}, There()) == "create pipeline/sales"


def test_what_is_there_with_its_defaults_is_the_same() -> None:
    spec = {"name": "Sales", "kind": "deal", "stages": STAGES}
    assert words("pipeline", "sales", spec, There(pipeline__sales=PIPELINE)) == "same pipeline/sales"


def test_fields_that_differ_are_named_and_so_are_those_that_go_back_to_their_default() -> None:
    spec = {"name": "Selling", "kind": "deal", "stages": [STAGES[0], {"code": "won", "name": "Won"}]}
    said = words("pipeline", "sales", spec, There(pipeline__sales=PIPELINE | {"archived": True}))
    assert said == "change pipeline/sales: name, stages[1].outcome, archived"


def test_a_list_of_another_length_differs_as_a_whole() -> None:
    spec = {"name": "Sales", "kind": "deal", "stages": STAGES[:1]}
    assert words("pipeline", "sales", spec, There(pipeline__sales=PIPELINE)) == "change pipeline/sales: stages"


def test_a_secret_cannot_be_compared() -> None:
    there = There(payment_account__bank={"code": "bank", "name": "Bank", "archived": False, "callback_url": "/hooks/x"})
    said = words("payment-account", "bank", {"name": "Bank", "secret": "whsec_x"}, there)
    assert said == "same payment-account/bank (secret cannot be compared)"


RULE = {
    "name": "remind",
    "id": "11111111-1111-4111-8111-111111111111",
    "title": "",
    "type": "send_sms",
    "execution": "wait",
    "run": {
        "when": "after",
        "months": 0,
        "weeks": 0,
        "days": 0,
        "hours": 0,
        "minutes": 30,
        "seconds": 0,
    },
    "condition": {"not": {"path": "item.title", "op": "empty", "value": None}},
    "on_leave": "cancel",
    "on_failure": "stop",
    "enabled": True,
    "params": {"text": "Hello"},
}
WRITTEN = {
    "name": "remind",
    "type": "send_sms",
    "run": {"when": "after", "minutes": 30},
    "condition": {"not": {"path": "item.title", "op": "empty"}},
    "params": {"text": "Hello"},
}


def rule_set(status: str = "published") -> There:
    document = {"pipeline": "sales", "name": "", "stages": {"new": {"rules": [RULE]}}}
    return There(rule_set__sales={"status": status, "archived": False, "document": document})


def spec(**changes: Any) -> dict[str, Any]:
    return {"pipeline": "sales", "publish": True, "stages": {"new": {"rules": [WRITTEN | changes]}}}


def test_a_rule_set_as_it_was_written_is_the_same_one_as_it_is_kept() -> None:
    assert words("rule-set", "sales", spec(), rule_set()) == "same rule-set/sales"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"params": {"text": "Hi"}}, "params.text"),
        ({"params": {"text": "Hello", "channel": "sms"}}, "params.channel"),
        ({"run": {"when": "after", "minutes": 5}}, "run.minutes"),
        ({"run": {"when": "now"}}, "run.when"),
        ({"condition": None}, "condition"),
        ({"condition": {"not": {"path": "item.title", "op": "filled"}}}, "condition.not.op"),
        ({"enabled": False}, "enabled"),
    ],
)
def test_a_rule_that_differs_is_named_by_its_place(change: dict[str, Any], field: str) -> None:
    assert words("rule-set", "sales", spec(**change), rule_set()) == (
        f"change rule-set/sales: stages.new.rules[0].{field}"
    )


def test_a_draft_that_would_be_published_is_a_change() -> None:
    assert words("rule-set", "sales", spec(), rule_set("draft")) == "change rule-set/sales: publish"
    assert words("rule-set", "sales", spec() | {"publish": False}, rule_set()) == "same rule-set/sales"
    unsaid = {key: value for key, value in spec().items() if key != "publish"}
    assert words("rule-set", "sales", unsaid, rule_set()) == "same rule-set/sales"


def test_a_service_that_does_not_tell_is_an_error_with_its_words() -> None:
    refused = httpx.Response(403, json={"detail": "this needs the role author"})
    with pytest.raises(ApplyError, match=r"shop\.yaml:channel/sms: 403 this needs the role author"):
        words("channel", "sms", {"kind": "sms"}, There(channel__sms=refused))
