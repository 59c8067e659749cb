"""Every trigger type's example on one running stack: what moves an item, what does not, and what comes twice.

All happen at once; then each one's consequence is looked for.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import count, product
from typing import Any

import pytest

from e2e.examples.occurrences import OCCURS, RULES, Case, Facts, submit_form
from local_stack.demo.shop import Shop, open_shop
from local_stack.stack import Stack
from support.waiting import until
from trigger_service.triggers.examples import load_examples
from trigger_service.triggers.registry import TRIGGER_TYPES

pytestmark = [pytest.mark.e2e, pytest.mark.verify]

EXAMPLES = load_examples()
GIVEN, PASSED_OVER, LATE = "given", "passed_over", "late"
"""What the example is about; what the settings or the condition exclude; the former, of an item that is further on."""
WAITING, REACHED = "waiting", "reached"

each_type = pytest.mark.parametrize("type", EXAMPLES)


@dataclass(frozen=True)
class Stage:
    """A shop in which each trigger type has a pipeline of its own, with three deals. `hook` is the webhook's."""

    shop: Shop
    hook: str
    cases: Mapping[tuple[str, str], Case]


@pytest.fixture(scope="module")
def stage(stack: Stack) -> Iterator[Stage]:
    stack.start(["all"])
    with closing(open_shop(stack)) as shop, ThreadPoolExecutor(16) as people:
        secret = stack.credentials.secrets.carrier_secret
        courier = {"name": "The courier", "provider": "sandbox", "secret": secret}
        shop.owner.put("entity-service", "/v1/carriers/courier", courier)
        shop.owner.put("entity-service", "/v1/resources/van", {"name": "Delivery van"})
        triggers = dict(zip(EXAMPLES, people.map(lambda type: define(shop, type), EXAMPLES), strict=True))
        hook, phones = str(triggers["webhook"]["webhook_path"]), count(393331000000)
        keys = [(*key, f"+{next(phones)}") for key in product(EXAMPLES, (GIVEN, PASSED_OVER, LATE))]
        cases = dict(people.map(lambda key: ((key[0], key[1]), play(shop, hook, *key)), keys))
        yield Stage(shop, hook, cases)


def define(shop: Shop, type: str) -> Mapping[str, Any]:
    """A pipeline with the example's trigger on its second stage; the answer to the trigger."""
    pipeline, example = pipeline_of(type), EXAMPLES[type]
    stages = [{"code": code, "name": code} for code in (WAITING, REACHED, LATE)]
    shop.owner.put("entity-service", f"/v1/pipelines/{pipeline}", {"name": type, "kind": "deal", "stages": stages})
    if rules := [rule | {"execution": "wait"} for rule in RULES.get(type, ())]:
        document = {"pipeline": pipeline, "stages": {code: {"rules": rules} for code in (WAITING, LATE)}}
        shop.owner.put("rule-engine", f"/v1/rule-sets/{pipeline}", document | {"publish": True})
    spec: dict[str, Any] = {"name": example.title, "type": type, "pipeline": pipeline, "stage": REACHED}
    spec |= {"settings": example.settings, "condition": example.condition}
    answer: Mapping[str, Any] = shop.owner.put("trigger-service", f"/v1/triggers/{trigger_of(type)}", spec)
    return answer


def pipeline_of(type: str) -> str:
    return f"of_{type}"


def trigger_of(type: str) -> str:
    return f"example_{type}"


def play(shop: Shop, hook: str, type: str, what: str, phone: str) -> Case:
    """A deal of a new client, and what happens to it."""
    facts: Facts = EXAMPLES[type].passed_over if what == PASSED_OVER else EXAMPLES[type].given
    client = {"first_name": "Alex", "last_name": "Client", "phones": [{"number": phone}]}
    contact = shop.manager.post("entity-service", "/v1/contacts", client)["id"]
    deal = {"kind": "deal", "title": facts.get("title", "Oak table"), "contact_ids": [contact]}
    deal |= {"pipeline": pipeline_of(type), "stage": LATE if what == LATE else WAITING}
    deal |= {"amount": {"amount": 250_000, "currency": "EUR"}}
    case = Case(shop, str(shop.manager.post("entity-service", "/v1/items", deal)["id"]), phone, hook)
    OCCURS[type](case, facts)
    return case


def test_every_trigger_type_has_an_example() -> None:
    assert EXAMPLES.keys() == TRIGGER_TYPES.keys() == OCCURS.keys()


@each_type
def test_what_the_example_is_about_moves_the_item_once(stage: Stage, type: str) -> None:
    case = stage.cases[type, GIVEN]
    until(lambda: case.stage() == REACHED, f"the item to move ({EXAMPLES[type].title})")
    until(lambda: "pending" not in case.verdicts(), "all arrivals to be settled")
    assert [arrival["trigger"] for arrival in case.arrivals(item_id=case.deal, verdict="moved")] == [trigger_of(type)]


@each_type
def test_what_the_condition_or_the_settings_exclude_leaves_it_and_says_so(stage: Stage, type: str) -> None:
    case = stage.cases[type, PASSED_OVER]

    def left() -> bool:
        """A form's arrival is about the item that it became."""
        found = case.arrivals(trigger=trigger_of(type), verdict="condition_false")
        return bool(found or case.arrivals(item_id=case.deal, trigger=trigger_of(type), verdict="not_matched"))

    until(left, "the arrival to be explained")
    assert case.stage() == WAITING


@each_type
def test_an_item_that_is_further_on_stays_there_and_the_arrival_says_so(stage: Stage, type: str) -> None:
    case = stage.cases[type, LATE]
    until(lambda: "behind" in case.verdicts(), "the arrival to be explained")
    assert case.stage() == LATE


RACE: Mapping[str, Mapping[str, Any]] = {
    "disabled": {"type": "invoice_paid", "stage": "second", "enabled": False},
    "present": {"type": "invoice_paid", "stage": "first"},
    "late": {"type": "invoice_paid", "stage": "fourth"},
    "early": {"type": "payment_received", "stage": "third", "change_stage_as": "head_of_sales"},
    "back": {"type": "payment_received", "stage": "first", "allow_moving_back": True},
}


@pytest.mark.parametrize(("begun", "winner", "ended"), [("first", "early", "third"), ("fourth", "back", "first")])
def test_of_several_triggers_on_one_event_the_earliest_stage_that_is_allowed_wins_in_one_move(
    stage: Stage, begun: str, winner: str, ended: str
) -> None:
    shop, stages = stage.shop, [{"code": code, "name": code} for code in ("first", "second", "third", "fourth")]
    shop.owner.put("entity-service", "/v1/pipelines/race", {"name": "Race", "kind": "deal", "stages": stages})
    for code, spec in RACE.items():
        shop.owner.put("trigger-service", f"/v1/triggers/{code}", {"name": code, "pipeline": "race", **spec})
    deal = {"kind": "deal", "title": "Oak table", "pipeline": "race", "stage": begun}
    deal["responsible_id"] = shop.ids["manager"]
    case = Case(shop, str(shop.manager.post("entity-service", "/v1/items", deal)["id"]), "", "")
    OCCURS["invoice_paid"](case, {"amount": 1000})
    until(lambda: case.stage() == ended, "the item to move")
    until(lambda: "pending" not in case.verdicts(), "all arrivals to be settled")
    arrivals = case.arrivals(item_id=case.deal)
    assert {arrival["trigger_type"] for arrival in arrivals} == {"invoice_paid", "payment_received"}
    assert [arrival["trigger"] for arrival in arrivals if arrival["verdict"] == "moved"] == [winner]
    entries = shop.manager.list("entity-service", f"/v1/items/{case.deal}/timeline")
    mover = RACE[winner].get("change_stage_as", "manager")
    assert [one["author"] for one in entries if one["kind"] == "stage_changed"] == [shop.ids[mover]]


def test_a_form_of_somebody_on_the_exceptions_list_is_kept_and_says_why_no_item_came_of_it(stage: Stage) -> None:
    shop, phone = stage.shop, "+393335000000"
    shop.manager.send("PUT", "entity-service", f"/v1/exceptions/{phone}", json={"note": "a machine"})
    case = Case(shop, "", phone, stage.hook)
    submit_form(case, EXAMPLES["form_submitted"].given)

    def refused() -> bool:
        found = case.arrivals(verdict="refused")
        return any("is on the exceptions list" in arrival["reason"] for arrival in found)

    until(refused, "the submission to be refused")
    assert shop.manager.list("entity-service", "/v1/contacts", phone=phone) == []
