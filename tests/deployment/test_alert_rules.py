"""Prometheus' own judgement of the rules: each alert fires when it should, and does not when it is close to it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployment.alert_cases import CASES, Case
from deployment.alerts.files import RULES
from deployment.test_alerts import NAMES
from local_stack.layout import WORKSPACE
from local_stack.tools import Tools

pytestmark = pytest.mark.verify


def promtool(*arguments: object) -> None:
    command = [str(one) for one in (Tools.default().promtool(), *arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own argument list
    assert done.returncode == 0, done.stdout + done.stderr


def as_promtool_takes_it(case: Case) -> dict[str, Any]:
    firing = f'count by (severity) (ALERTS{{alertname="{case.alert}", alertstate="firing"}})'
    counts = {one: case.severities.count(one) for one in case.severities}
    return {
        "name": f"{case.alert}: {', '.join(case.severities) or 'quiet'}",
        "interval": case.step,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": [
            {
                "expr": firing,
                "eval_time": case.at,
                "exp_samples": [{"labels": f'{{severity="{one}"}}', "value": count} for one, count in counts.items()],
            }
        ],
    }


def test_every_alert_is_tried_in_both_ways() -> None:
    assert sorted({case.alert for case in CASES if case.severities}) == NAMES
    assert sorted({case.alert for case in CASES if not case.severities}) == NAMES


def test_alerts_fire_when_they_should_and_not_when_they_should_not(tmp_path: Path) -> None:
    """Each among the rules of its own name: all of them with each case took a minute of CPU."""
    promtool("check", "rules", WORKSPACE / RULES)
    files = []
    for name, step in sorted({(case.alert, case.step) for case in CASES}):
        rules, file = tmp_path / f"{name}.yaml", tmp_path / f"{name}-{step}-cases.yaml"
        (group,) = yaml.safe_load((WORKSPACE / RULES).read_text())["groups"]
        own = [one for one in group["rules"] if one["alert"] == name]
        rules.write_text(yaml.safe_dump({"groups": [{"name": name, "rules": own}]}))
        tests = [as_promtool_takes_it(case) for case in CASES if (case.alert, case.step) == (name, step)]
        file.write_text(yaml.safe_dump({"rule_files": [str(rules)], "evaluation_interval": step, "tests": tests}))
        files.append(file)
    promtool("test", "rules", *files)
