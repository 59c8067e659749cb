"""What people type: `./stack` itself, whose tenant, which token, tables that are not cut, what `apply` says."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from typer.testing import CliRunner

from local_stack import outcome
from local_stack.apply import Document
from local_stack.credentials import Credentials
from local_stack.layout import WORKSPACE
from local_stack.main import app
from local_stack.plan import Planned
from local_stack.tables import show_table

RULES = Document(Path("rules.yaml"), "rule-set", "sales", {})
ISSUE = {"where": "stages.new.rules[0].type", "rule": "greet", "what": "there is no rule type 'send_sm'"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stack's folder."""
    monkeypatch.setenv("STACK_DIR", str(tmp_path))
    Credentials(tmp_path / "auth").prepare([])
    return tmp_path


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, words)
    return done.exit_code, done.output.strip()


def claims(token: str, folder: Path) -> dict[str, Any]:
    keys = KeySet.import_key_set(json.loads((folder / "auth/jwks.json").read_text()))
    return jwt.decode(token, keys, algorithms=["ES256"]).claims


def test_the_script_says_what_to_run_first_and_runs_what_is_installed(tmp_path: Path) -> None:
    script = shutil.copy(WORKSPACE / "stack", tmp_path / "stack")
    before = subprocess.run([script, "status"], capture_output=True, text=True, check=False)  # noqa: S603 - the script's copy
    assert (before.returncode, "make demo" in before.stderr) == (1, True)
    installed = tmp_path / ".venv/bin/stack"
    installed.parent.mkdir(parents=True)
    installed.write_text('#!/bin/sh\necho "ran $*"\n')
    installed.chmod(0o755)
    after = subprocess.run([script, "dlq", "a b"], capture_output=True, text=True, check=True, cwd="/")  # noqa: S603
    assert after.stdout == "ran dlq a b\n"


def test_a_token_needs_no_name_and_remembers_the_tenant(folder: Path) -> None:
    tenant = uuid4()
    code, first = run("token", "--role", "admin", "--tenant", str(tenant))
    _, second = run("token", "--role", "author", "--sub", "ada")
    assert code == 0
    assert claims(first, folder)["sub"]
    found = claims(second, folder)
    assert (found["tenant"], found["sub"], found["roles"]) == (str(tenant), "ada", ["author"])


def test_a_services_token_is_of_no_tenant(folder: Path) -> None:
    words = ("token", "--role", "service", "--sub", "rule-engine", "--for", "entity-service", "--hours", "2")
    found = claims(run(*words)[1], folder)
    assert (found["sub"], found["aud"]) == ("rule-engine", "stagewright/entity-service")
    assert (found["scope"], found["exp"] - found["iat"]) == ("contexts schema items-in-stage", 2 * 3600)
    assert not {"tenant", "roles"} & found.keys()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("token", "--role", "admin"), "--tenant new"),
        (("apply", "here"), "--tenant new"),
        (("plan", "here"), "--tenant new"),
        (("plan", "here", "--tenant", "mine"), "'mine' is no UUID"),
        (("token", "--role", "king", "--tenant", "new"), "no role king here"),
        (("token", "--role", "service"), "--sub: which service calls?"),
        (("token", "--role", "service", "--sub", "comms-service"), "--for: whom does comms-service ask? one of doc-"),
        (
            ("token", "--role", "service", "--sub", "doc-service", "--tenant", "new"),
            "the role service belongs to no tenant",
        ),
    ],
)
def test_what_is_missing_is_said(words: tuple[str, ...], expected: str) -> None:
    code, said = run(*words)
    assert code == 1
    assert expected in said


def test_a_new_tenant_is_made_only_when_asked_for(folder: Path) -> None:
    run("token", "--role", "admin", "--tenant", "new")
    assert UUID((folder / "tenant").read_text().strip())


@pytest.mark.parametrize("columns", ["40", "80"])
def test_nothing_in_a_table_is_cut(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    cells = (str(uuid4()), "2026-03-02T09:00:00", "entity-service", "crm.entity.commands.v1", "why " * 40)
    show_table(("id", "put aside", "service", "topic", "why"), [cells])
    (_, line) = capsys.readouterr().out.rstrip().splitlines()
    assert all(cell.strip() in line for cell in cells)


@pytest.mark.parametrize(
    ("planned", "answer", "expected"),
    [
        (Planned(RULES, "create"), {"status": "draft", "version": 1}, "draft rule-set/sales (version 1)"),
        (
            Planned(RULES, "change", ("stages.new",)),
            {"status": "published", "version": 4},
            "published rule-set/sales (version 4): stages.new",
        ),
        (Planned(RULES, "same"), {"status": "published", "version": 4}, "unchanged rule-set/sales"),
        (Planned(RULES, "create"), {"published_version": 2, "version": 2}, "published rule-set/sales (version 2)"),
        (Planned(RULES, "create"), {"published_version": None, "version": 2}, "draft rule-set/sales (version 2)"),
        (Planned(RULES, "change", ("name",)), {}, "changed rule-set/sales: name"),
        (
            Planned(RULES, "same", (), ("secret",)),
            {},
            "unchanged rule-set/sales (secret put again, it cannot be compared)",
        ),
    ],
)
def test_the_state_of_what_was_applied(planned: Planned, answer: dict[str, Any], expected: str) -> None:
    assert outcome.state(planned, answer) == expected


def test_issues_and_warnings_are_told_with_file_document_place_and_rule() -> None:
    line = "rules.yaml:rule-set/sales: stages.new.rules[0].type (rule greet): there is no rule type 'send_sm'"
    assert outcome.issues(RULES, {"issues": [ISSUE]}) == [line]
    assert outcome.warnings(RULES, {"warnings": [ISSUE]}) == [line]
