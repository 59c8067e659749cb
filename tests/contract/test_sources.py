"""The source as text: files and functions stay small enough to be read at once; names are the field's standard terms,
and none of the pictures that were given up comes back as a name.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median

from local_stack.layout import WORKSPACE

FILES = sorted(
    file for folder in ("contracts", "deploy", "services", "tests") for file in (WORKSPACE / folder).rglob("*.py")
)
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION, MEDIAN = 400, 50, 80

EVERYWHERE = {
    "AnswerDefects": "InternalErrorMiddleware",
    "Acting": "ActionContext",
    "Circle": "Cycle",
    "Desk": "a name of what it does",
    "Hunt": "Fuzzer",
    "LimitBody": "BodyLimitMiddleware",
    "Settled": "Completed",
    "Site": "Harness, AuthoringContext",
    "Starter": "Scheduler",
    "Way": "ParamPath, Edge",
    "applications": "backfills",
    "collector": "gc_tuning",
    "comparing": "comparison",
    "deaths": "crash_counts",
    "declined": "condition_false",
    "desk": "intake",
    "driven_gen": "scheduled_generation",
    "drop": "cancel",
    "estate": "seeded_tenant",
    "fires": "description",
    "gen": "generation",
    "ground": "sim_context",
    "guards": "deduplication",
    "house": "harness",
    "judging": "evaluation",
    "look_seldom": "tune_gc",
    "matching": "satisfiability",
    "misses": "failures",
    "nurse": "restarter",
    "obey": "handle",
    "orders": "operator_actions",
    "owed": "due_on_entry",
    "plant": "crash_injection",
    "premises": "service_environment",
    "prey": "tenant",
    "reach": "reachability",
    "rubbish": "malformed_records",
    "salvage": "decode_lenient",
    "sees": "context_name",
    "shapes": "value_types",
    "shelf": "file_stub",
    "spoiling": "invalid_bodies",
    "take_back": "cancel",
    "tell_again": "republish_result",
    "together": "batching",
    "town": "running_stack",
    "undated": "date_missing",
    "wakes": "timers",
    "why": "explanations",
    "wire": "kafka_probe",
}
"""Modules, classes, functions and columns, with or without a leading underscore, and what to say instead."""

IN_THE_ENGINE = {
    "Fault": "Issue",
    "fault": "issue",
    "faults": "issues",
    "late": "backfills",
    "moved": "manually_scheduled",
    "parked": "has_execution",
    "people": "employee_refs",
    "texts": "templates",
    "tree": "model",
}
"""Words that mean something else elsewhere."""

ENGINE = "services/rule-engine/"
COLUMN = re.compile(r"^\s{4}([a-z_]+) +(?:uuid|text|int|bigint|smallint|boolean|timestamptz|jsonb|bytea)", re.MULTILINE)


type Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def definitions(file: Path) -> tuple[Definition, ...]:
    return tuple(
        node
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    )


def names_of(file: Path) -> Iterator[str]:
    """What the file defines, the columns of its SQL, and the file itself."""
    yield file.stem
    yield from file.relative_to(WORKSPACE).parts[:-1]
    yield from COLUMN.findall(file.read_text())
    yield from (one.name.lstrip("_") for one in definitions(file))


def test_no_file_is_long_and_most_are_short() -> None:
    sizes = {str(file.relative_to(WORKSPACE)): len(file.read_text().splitlines()) for file in FILES}
    assert {file: lines for file, lines in sizes.items() if lines > MOST_LINES_OF_A_FILE} == {}
    assert median(sizes.values()) <= MEDIAN


def test_no_function_is_long() -> None:
    long = {
        f"{file.relative_to(WORKSPACE)}: {one.name}": lines
        for file in FILES
        for one in definitions(file)
        if not isinstance(one, ast.ClassDef)
        and (lines := (one.end_lineno or one.lineno) - one.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    }
    assert long == {}


def test_no_name_that_was_given_up_is_used() -> None:
    found = []
    for file in FILES:
        place = str(file.relative_to(WORKSPACE))
        retired = EVERYWHERE | (IN_THE_ENGINE if place.startswith(ENGINE) else {})
        found += [f"{place}: {name}, say {retired[name]}" for name in names_of(file) if name in retired]
    assert found == []


def test_definitions_and_columns_are_seen() -> None:
    migration = WORKSPACE / ENGINE / "src/rule_engine/migrations/0002_runs.py"
    assert {"upgrade", "rule_id", "0002_runs", "migrations"} <= set(names_of(migration))
