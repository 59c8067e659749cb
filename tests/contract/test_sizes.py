"""Files and functions stay small enough to be read at once."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from local_stack.layout import WORKSPACE

MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION, MEDIAN = 400, 50, 80
FILES = sorted(
    file for folder in ("contracts", "deploy", "services", "tests") for file in (WORKSPACE / folder).rglob("*.py")
)


def lines_of(file: Path) -> int:
    return len(file.read_text().splitlines())


def functions_of(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_file_is_long_and_most_are_short() -> None:
    sizes = {str(file.relative_to(WORKSPACE)): lines_of(file) for file in FILES}
    assert {file: lines for file, lines in sizes.items() if lines > MOST_LINES_OF_A_FILE} == {}
    assert median(sizes.values()) <= MEDIAN


def test_no_function_is_long() -> None:
    long = {
        f"{file.relative_to(WORKSPACE)}: {one.name}": lines
        for file in FILES
        for one in functions_of(file)
        if (lines := (one.end_lineno or one.lineno) - one.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    }
    assert long == {}
