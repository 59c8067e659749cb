"""`stack apply` reads everything, names every issue, and sends in an order that works."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest

from local_stack.apply import ApplyError, Document, apply, read
from local_stack.demo.shop import EXAMPLE

type Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "shop.yaml") -> Path:
        (tmp_path / name).write_text(dedent(text))
        return tmp_path / name

    return write


def issues_of(place: Path, **environment: str) -> list[str]:
    with pytest.raises(ApplyError) as caught:
        read(place, environment)
    return [issue.removeprefix(f"{place}:") for issue in caught.value.issues]


class Service:
    """Answers every put with what a test gave for that document, else with 200."""

    def __init__(self, answers: dict[str, httpx.Response] | None = None) -> None:
        self.put_names: list[str] = []
        self._answers = answers or {}

    def put(self, document: Document) -> httpx.Response:
        self.put_names.append(document.name)
        return self._answers.get(document.name) or httpx.Response(200, json={"code": document.code})


def problem(status: int, **content: Any) -> httpx.Response:
    return httpx.Response(status, json=content)


def test_documents_come_in_the_order_in_which_they_need_each_other(write: Write) -> None:
    place = write(
        """
        {kind: rule-set, code: sales, spec: {}}
        ---
        {kind: department, code: shop, spec: {parent: sales}}
        ---
        {kind: schedule, code: manager, spec: {}}
        ---
        {kind: employee, code: manager, spec: {}}
        ---
        {kind: calendar, spec: {}}
        ---
        {kind: department, code: sales, spec: {parent: all, head: manager}}
        ---
        {kind: department, code: all, spec: {}}
        ---
        {kind: pipeline, code: sales, spec: {}}
        ---
        {kind: tenant, spec: {}}
        """
    )
    names = [document.name for document in read(place, {})]
    departments = ["department/all", "department/sales", "department/shop"]
    assert names == [
        "tenant",
        "calendar",
        *departments,
        "employee/manager",
        "schedule/manager",
        "pipeline/sales",
        "rule-set/sales",
    ]


def test_documents_of_one_kind_keep_their_order_over_the_files(write: Write) -> None:
    write("{kind: pipeline, code: a, spec: {}}", "2.yaml")
    folder = write("{kind: pipeline, code: b, spec: {}}", "1.yaml").parent
    assert [document.code for document in read(folder, {})] == ["b", "a"]


def test_secrets_come_from_the_environment_and_are_never_read_as_yaml(write: Write) -> None:
    place = write("{kind: form, code: site, spec: {secret: '${KEY}', texts: ['a ${KEY} b']}}")
    (document,) = read(place, {"KEY": "{x: [1"})
    assert document.spec == {"secret": "{x: [1", "texts": ["a {x: [1 b"]}


def test_a_missing_variable_is_named_with_its_document_and_place(write: Write) -> None:
    place = write("{kind: form, code: site, spec: {fields: [{secret: '${KEY}'}]}}")
    assert issues_of(place) == ["form/site: spec.fields[0].secret: the environment variable KEY is not set"]


@pytest.mark.parametrize(
    ("text", "issue"),
    [
        ("{kind: stage, code: new, spec: {}}", "stage/new: kind: 'stage' is none of tenant, "),
        ("{kind: form, code: site, specs: {}, spec: {}}", "form/site: specs: unknown key"),
        ("{kind: form, code: site}", "form/site: spec: expected a mapping"),
        ("{kind: form, spec: {}}", "form: code: expected a text"),
        ("{kind: form, code: 7, spec: {}}", "form/7: code: expected a text"),
        ("{kind: tenant, code: mine, spec: {}}", "tenant/mine: code: a tenant has only one of this kind"),
        ("[1, 2]", "document 1: expected a mapping"),
        ("{kind: form", " is no YAML: "),
        ("{kind: form, code: a, spec: {name: x, name: y}}", " is no YAML: the key 'name' is there twice"),
    ],
)
def test_what_is_no_document_is_refused_with_the_reason(write: Write, text: str, issue: str) -> None:
    (found,) = issues_of(write(text))
    assert found.startswith(issue)


def test_all_issues_are_told_at_once(write: Write) -> None:
    write("{kind: form, code: a, spec: {}}", "1.yaml")
    folder = write("{kind: form, code: a, spec: {}}\n---\n{kind: form, code: b}", "2.yaml").parent
    assert issues_of(folder) == [
        f"{folder}/2.yaml:form/b: spec: expected a mapping",
        f"{folder}/2.yaml:form/a: is in {folder}/1.yaml already",
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on", "on"),
        ("no", "no"),
        ("2026-01-01", "2026-01-01"),
        ("14:00", "14:00"),
        ("+39", "+39"),
        ("007", "007"),
        ("true", True),
        ("-12", -12),
        ("1.5", 1.5),
        ("null", None),
        ("", None),
    ],
)
def test_yaml_means_what_json_means(write: Write, written: str, meant: object) -> None:
    (document,) = read(write(f"kind: form\ncode: site\nspec:\n  value: {written}\n"), {})
    assert document.spec == {"value": meant}


def test_a_folder_without_documents_is_an_issue(tmp_path: Path) -> None:
    assert issues_of(tmp_path) == [" expected a YAML file, or a folder with files *.yaml"]


def test_the_answers_problem_is_told_line_by_line_and_nothing_that_may_need_the_document_is_sent(write: Write) -> None:
    place = write(
        """
        {kind: pipeline, code: a, spec: {}}
        ---
        {kind: pipeline, code: b, spec: {}}
        ---
        {kind: form, code: c, spec: {}}
        """
    )
    errors = [{"where": "body.name", "what": "Field required"}, {"where": "body.kind", "what": "unknown"}]
    service = Service({"pipeline/a": problem(422, detail="wrong", errors=errors)})
    with pytest.raises(ApplyError) as caught:
        apply(read(place, {}), service, lambda _, __: None)
    assert caught.value.issues == [
        f"{place}:pipeline/a: body.name: Field required",
        f"{place}:pipeline/a: body.kind: unknown",
        "1 of 3 documents applied",
    ]
    assert service.put_names == ["pipeline/a", "pipeline/b"]


def test_an_answer_without_details_is_told_with_its_status(write: Write) -> None:
    place = write("{kind: form, code: a, spec: {}}")
    for answer, expected in (
        (problem(409, detail="it is of another kind"), "409 it is of another kind"),
        (httpx.Response(502, text="<html>"), "502 Bad Gateway"),
    ):
        with pytest.raises(ApplyError) as caught:
            apply(read(place, {}), Service({"form/a": answer}), lambda _, __: None)
        assert caught.value.issues[0] == f"{place}:form/a: {expected}"


def test_the_example_can_be_read() -> None:
    assert len(read(EXAMPLE, {"PAYMENT_SECRET": "whsec_"})) == 21
