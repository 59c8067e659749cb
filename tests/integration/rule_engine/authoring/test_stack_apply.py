"""`stack apply` before a real rule-engine: it tells what the service answered, and ends with 1 on issues."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from typer.testing import CliRunner

from local_stack.main import app as stack
from support.shop import rule, rule_set

type Run = Callable[..., Awaitable[tuple[int, list[str]]]]

GOOD = rule("greet", "send_sms", text="Hello")
MISSPELT = rule("greet", "send_sm", text="Hello")
NEVER = rule("greet", "send_sms", text="Hello", condition={"path": "item.stage", "op": "eq", "value": "won"})


@pytest.fixture
def run(stack_folder: Path) -> Run:
    """The command, for documents that are written first; gives its exit code and lines."""
    file = stack_folder / "rules.yaml"

    async def run(command: str, spec: dict[str, object], *words: str) -> tuple[int, list[str]]:
        file.write_text(yaml.safe_dump({"kind": "rule-set", "code": "sales", "spec": spec}))
        done = await asyncio.to_thread(CliRunner().invoke, stack, [command, str(file), *words])
        return done.exit_code, (done.stdout + done.stderr).replace(f"{file}:", "").splitlines()

    return run


async def test_a_draft_with_a_issue_is_told_and_ends_with_1(run: Run, tenant: UUID) -> None:
    code, lines = await run("apply", rule_set(new=[MISSPELT]), "--tenant", str(tenant))
    assert code == 1
    assert lines[0] == "draft rule-set/sales (version 1)"
    assert lines[1].startswith("  issue: rule-set/sales: stages.new.rules[0].type (rule greet): there is no rule type")
    assert "did you mean 'send_sms'?" in lines[1]
    assert lines[2] == f"1 documents applied to tenant {tenant}"


async def test_states_follow_one_another_and_the_tenant_is_remembered(run: Run, tenant: UUID) -> None:
    wanted = rule_set(new=[GOOD])
    first = await run("apply", wanted, "--tenant", str(tenant))
    assert (first[0], first[1][0]) == (0, "draft rule-set/sales (version 1)")
    published = await run("apply", wanted | {"publish": True})
    assert published[1][0] == "published rule-set/sales (version 1): publish"
    assert (await run("plan", wanted | {"publish": True}))[1][0] == "same rule-set/sales"
    again = await run("apply", wanted | {"publish": True})
    assert again == (0, ["unchanged rule-set/sales", f"1 documents applied to tenant {tenant}"])


async def test_warnings_are_told_and_do_not_fail(run: Run, tenant: UUID) -> None:
    code, lines = await run("apply", rule_set(new=[NEVER]) | {"publish": True}, "--tenant", str(tenant))
    assert (code, lines[0]) == (0, "published rule-set/sales (version 1)")
    assert lines[1].startswith(
        "  warning: rule-set/sales: stages.new.rules[0].condition (rule greet): this never holds"
    )


async def test_what_is_refused_is_told_with_its_rule(run: Run, tenant: UUID) -> None:
    code, lines = await run("apply", rule_set(new=[MISSPELT]) | {"publish": True}, "--tenant", str(tenant))
    assert code == 1
    assert lines[0].startswith("rule-set/sales: stages.new.rules[0].type (rule greet): there is no rule type 'send_sm'")
    assert lines[1] == "0 of 1 documents applied"
