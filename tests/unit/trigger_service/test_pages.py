"""The page of a form: after a try that failed, everything that was typed stands in it again."""

from typing import Any

from contracts.kit.http import Problem, bad_input
from trigger_service.api.pages import form_page
from trigger_service.domain.forms import FormSpec

FORM = FormSpec.model_validate(
    {
        "name": "Order",
        "fields": [
            {"name": "name", "label": "Your name", "required": True},
            {"name": "product", "label": "Product", "type": "choice", "choices": ["oak table", 'a "big" chair']},
            {"name": "delivery", "label": "Delivery", "type": "boolean"},
            {"name": "pieces", "label": "Pieces", "type": "number"},
        ],
    }
)


def page(filled: dict[str, Any], problem: Problem) -> str:
    return bytes(form_page(FORM, "n", None, filled, problem).body).decode()


def test_answers_are_kept() -> None:
    typed = {"name": 'Ada "<Bell>"', "product": 'a "big" chair', "delivery": "on", "pieces": "4"}
    html = page(typed, Problem(429, "Too many requests", "come back", headers={"Retry-After": "2"}))
    assert '<p role="alert">Come back.</p>' in html
    assert 'value="Ada &quot;&lt;Bell&gt;&quot;"' in html
    assert '<option value="a &quot;big&quot; chair" selected>' in html
    assert '<input name="delivery" type="checkbox" checked>' in html
    assert '<input name="pieces" type="number" step="any" value="4">' in html


def test_the_answer_has_the_status_and_the_headers_of_what_went_wrong() -> None:
    answer = form_page(FORM, "n", None, {}, Problem(429, "Too many requests", "soon", headers={"Retry-After": "2"}))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")


def test_errors_are_named_by_their_labels_and_the_nonce_is_not_named() -> None:
    problem = bad_input("it is not filled in", ("name", "must be filled in"), ("_nonce", "take a new one"))
    html = page({}, problem)
    assert '<p class="error">Your name: must be filled in</p>' in html
    assert "take a new one" not in html
