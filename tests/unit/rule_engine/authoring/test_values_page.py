"""docs/values.md, the page for authors: what it lists is what there is, and its examples give what it says."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import orjson
import pytest
import yaml
from pydantic import TypeAdapter

from contracts.budget import WORK
from contracts.conditions import MAX_DEPTH, WORDS, Condition
from contracts.conditions.model import MAX_NODES, MAX_QUANTIFIERS
from contracts.conditions.operators import MAX_VALUES, Kind
from contracts.conditions.patterns import MAX_PATTERN
from contracts.contexts import ContactContext, EmployeeRef
from local_stack.layout import WORKSPACE
from rule_engine.domain.authoring import employee_refs
from rule_engine.domain.authoring.checks import MAX_ANALYSIS, RULE_WORK, RuleSetCheck
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.language import cel, conditions, expressions, templates
from rule_engine.domain.language.functions import FUNCTIONS, MOST
from rule_engine.domain.language.functions.registry import MAX_LIST, MAX_TEXT
from rule_engine.domain.language.functions.surroundings import MAX_WORDS
from rule_engine.domain.language.standard import STANDARD
from rule_engine.domain.language.templates import environment, filters, source
from rule_engine.domain.language.value_types import names
from rule_engine.domain.language.values import MAX_MADE, values_of
from rule_engine.domain.language.variables import Definition, Stored, VariableDocument, by_name
from rule_engine.rules import REGISTRY
from support.shop import CONTACT, NOON, SCHEMA, SETTINGS, deal, rule_set

PAGE = (WORKSPACE / "docs/values.md").read_text()
ALEX = ContactContext(id=CONTACT, first_name="Alex", last_name="Example", name="Alex Example")
STAFF = SCHEMA.model_copy(update={"employees": (EmployeeRef(id=CONTACT, code="manager", name="Robin Example"),)})

QUANTIFIERS = {"some", "every", "none"}

type Row = dict[str, str]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def tables(*columns: str) -> list[Row]:
    """The rows of all tables whose first columns are these."""
    found = list[Row]()
    for table in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        head, _, *rows = map(_cells, table.splitlines())
        if head[: len(columns)] == list(columns):
            found += [dict(zip(head, row, strict=True)) for row in rows]
    assert found, columns
    return found


def quoted(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]*)`", cell))


def blocks() -> Iterator[list[Any]]:
    return (list(yaml.safe_load_all(block)) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))


DEFINED, RULES, CONDITIONS = blocks()
DEFINITIONS = [Definition(one["kind"], one["code"], VariableDocument(**one["spec"])) for one in DEFINED]
NAMES = names("deal", STAFF, {}, DEFINITIONS)


def values(language: str = "en") -> dict[str, Any]:
    settings = SETTINGS.model_copy(update={"language": language, "crm_url": "https://crm.example"})
    return values_of(deal(contact=ALEX, contacts=(ALEX,), tenant=settings), {}, NOON, Stored(by_name(DEFINITIONS)))


def printed(example: str, language: str = "en") -> str:
    """With ordinary blanks, and none at the end, as the page has it."""
    return re.sub(r"\s", " ", templates.render(example, values(language))).strip()


EXAMPLES = [(row["example"].strip("`"), row["gives"].strip("`")) for row in (*tables("function"), *tables("example"))]


@pytest.mark.parametrize(("example", "gives"), EXAMPLES)
def test_an_example_gives_what_the_page_says(example: str, gives: str) -> None:
    if example.startswith("{"):
        assert printed(example) == gives
        return
    assert list(expressions.issues(example, NAMES)) == []
    found = expressions.evaluate(example, values())
    assert orjson.dumps(found) == orjson.dumps(orjson.loads(gives))


@pytest.mark.parametrize("row", tables("language"), ids=lambda row: row["language"])
def test_a_language_prints_what_the_page_says(row: Row) -> None:
    language = row["language"].strip("`")
    examples = {head.strip("`"): gives for head, gives in row.items() if head != "language"}
    assert {example: printed(example, language) for example in examples} == examples


def _called(cell: str) -> tuple[str, int, int]:
    """`join(list[, separator])`: its name, and how many arguments it takes."""
    name, _, arguments = cell.strip("`").partition("(")
    needed, _, more = arguments.partition("[")
    least, optional = len(re.findall(r"\w+", needed)), len(re.findall(r"\w+", more))
    return name, least, MOST if "…" in more else least + optional


def test_every_function_has_one_row_with_its_arguments() -> None:
    rows = tables("function")
    assert sorted(_called(row["function"]) for row in rows) == sorted(
        (one.name, one.least, one.most) for one in FUNCTIONS.values()
    )
    assert all(f"{_called(row['function'])[0]}(" in row["example"] for row in rows)


def test_all_that_liquid_and_cel_have_themselves_is_told() -> None:
    assert filters.FILTERS - FUNCTIONS.keys() <= quoted(PAGE)
    assert environment.TAGS - {"content", "output", "illegal"} <= quoted(PAGE)
    assert STANDARD.keys() <= quoted(PAGE)


def test_every_name_has_a_row_with_parts_that_there_are() -> None:
    listed = {name: row for row in tables("name", "what") for name in quoted(row["name"])}
    assert listed.keys() == NAMES.fields.keys()
    for name in listed.keys() - {"var", "const", "steps"}:
        parts = {part for part in quoted(listed[name]["parts"]) if "." not in part}
        assert parts <= (NAMES.fields[name].element or NAMES.fields[name]).fields.keys()


def test_every_operator_is_listed_and_those_of_each_kind() -> None:
    assert set().union(*(quoted(row["operators"]) for row in tables("operators"))) == WORDS.keys() - QUANTIFIERS
    of_kind = {kind: quoted(row["there are"]) for row in tables("of") for kind in quoted(row["of"])}
    assert of_kind == {kind: conditions.operators_of(kind) for kind in get_args(Kind) if kind != "any"}
    assert conditions.operators_of("any") == WORDS.keys() - QUANTIFIERS


def test_the_limits_are_those_of_the_code() -> None:
    limits = {
        *(
            source.MAX_SOURCE,
            source.MAX_MARKUP,
            source.MAX_MARKUPS,
            environment.MAX_OUTPUT,
            filters.MAX_VALUE,
            filters.MAX_BITS,
        ),
        *(
            source.MAX_TOKENS,
            source.MAX_BRACKETS,
            cel.MAX_SOURCE,
            cel.MAX_COMPREHENSIONS,
            MAX_MADE,
            WORK,
            MAX_ANALYSIS,
        ),
        *(MAX_TEXT, MAX_LIST, MAX_WORDS),
        *(MAX_DEPTH, MAX_NODES, MAX_QUANTIFIERS, MAX_VALUES, MAX_PATTERN, RULE_WORK),
    }
    shown = {found for row in tables("what", "at most") for found in re.findall(r"\d[\d,]*\d|\d", row["at most"])}
    assert {f"{one:,}" for one in limits} <= shown


def test_the_rules_and_conditions_of_the_page_can_be_published() -> None:
    document = RuleSetDocument.model_validate(rule_set(new=RULES[0]))
    assert RuleSetCheck(document, STAFF, REGISTRY, definitions=DEFINITIONS).issues() == []
    for written in CONDITIONS[0]:
        condition = TypeAdapter[Condition](Condition).validate_python(written)
        assert list(conditions.issues(condition, NAMES, "it")) == []
        assert employee_refs.in_condition(condition, NAMES, STAFF)[1] == []
        conditions.compiled(condition)(values())
