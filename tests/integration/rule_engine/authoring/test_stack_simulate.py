"""`stack simulate` before a real rule-engine: from a YAML file to what a person reads."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from typer.testing import CliRunner

from local_stack.main import app as stack
from support.shop import FURNITURE_SHOP, rule, rule_set

type Run = Callable[..., Awaitable[tuple[int, list[str]]]]

ASKED = {
    "from": "2026-03-02T09:00:00Z",
    "days": 10,
    "rule_sets": [],
    "items": {
        "given": [{"title": "Oak table", "pipeline": "sales", "stage": "new", "client": {"phone": "+49301234567"}}]
    },
}


@pytest.fixture
def run(stack_folder: Path, tenant: UUID) -> Run:
    """The command; gives its exit code and lines."""
    file = stack_folder / "asked.yaml"

    async def run(asked: object, *words: str) -> tuple[int, list[str]]:
        file.write_text(yaml.safe_dump(asked))
        command = ["simulate", str(file), "--tenant", str(tenant), *words]
        done = await asyncio.to_thread(CliRunner().invoke, stack, command)
        return done.exit_code, (done.stdout + done.stderr).replace(f"{file}: ", "").splitlines()

    return run


def documents(place: Path, *rule_sets: dict[str, object]) -> str:
    file = place / "rules.yaml"
    wanted = [{"kind": "rule-set", "code": "sales", "spec": one | {"publish": True}} for one in rule_sets]
    file.write_text(yaml.safe_dump_all(wanted))
    return str(file)


async def test_it_tells_what_the_rules_of_a_file_would_do(run: Run, tmp_path: Path) -> None:
    code, lines = await run(ASKED, "--with", documents(tmp_path, FURNITURE_SHOP))
    assert (code, lines[0]) == (
        0,
        "2026-03-02 09:00:00 to 2026-03-12 09:00:00: 1 items, 2 runs, 2 decisions, 1 commands, 1 messages;"
        " 0 runs still wait",
    )
    assert [line.split() for line in lines[2:5]] == [
        ["Days"],
        ["date", "entered", "done", "skipped", "refused", "failed", "cancelled", "messages"],
        ["2026-03-02", "1", "1", "0", "0", "1", "0", "1"],
    ]
    greeting = next(line for line in lines if "command  sales/greet" in line)
    assert greeting.startswith("  2026-03-02 09:00:00  command")
    assert "text: Hello , a manager will contact you within 30 minutes" in greeting


async def test_collisions_circles_and_many_messages_are_told(run: Run, tmp_path: Path) -> None:
    source = {"fields": [{"field": "source", "value": "fair"}]}, {"fields": [{"field": "source", "value": "web"}]}
    rules = rule_set(
        new=[
            rule("one", "update_item", execution="parallel", **source[0]),
            rule("two", "update_item", execution="parallel", **source[1]),
            rule("greet", "send_sms", execution="parallel", text="Hello"),
            rule("again", "send_sms", execution="parallel", text="Hello"),
        ]
    )
    code, lines = await run(ASKED | {"messages_per_day": 1}, "--with", documents(tmp_path, rules))
    assert code == 0, lines
    collision = lines[lines.index("Collisions") + 1]
    assert collision.startswith("  source: new/one wants 'fair', new/two wants 'web', 1 times, first of item")
    assert "  2026-03-02: 2 to +49301234567 by again, greet" in lines


async def test_programs_get_the_answer_as_it_is(run: Run, tmp_path: Path) -> None:
    code, lines = await run(ASKED, "--json", "--with", documents(tmp_path, FURNITURE_SHOP))
    assert (code, json.loads(lines[0])["totals"]["messages"]) == (0, 1)


async def test_what_is_wrong_is_told_with_its_place_and_ends_with_1(run: Run, tmp_path: Path) -> None:
    misspelt = documents(tmp_path, rule_set(new=[rule("greet", "send_sm", text="Hello")]))
    code, lines = await run(ASKED, "--with", misspelt)
    assert code == 1
    assert lines[0].startswith("stages.new.rules[0].type (rule greet): there is no rule type 'send_sm'")
    assert await run([1]) == (1, ["expected one mapping: what `POST /v1/simulations` takes"])
    code, lines = await run(ASKED | {"days": 0})
    assert (code, lines[0].split(":")[0]) == (1, "days")
