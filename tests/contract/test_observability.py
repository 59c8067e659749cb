"""`docs/observability.md` names every metric with its labels and every field of a log record, and no other metric."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

import comms_service.main
import doc_service.main
import entity_service.main
import rule_engine.main
import trigger_service.main
from contracts.envelope import Envelope
from contracts.kit.clock import utc_now
from contracts.kit.telemetry.context import message_ids
from local_stack.layout import WORKSPACE

SERVICES = (comms_service, doc_service, entity_service, rule_engine, trigger_service)
PAGE = (WORKSPACE / "docs/observability.md").read_text()
SOURCES = sorted(path for part in ("contracts", "services") for path in (WORKSPACE / part).rglob("src/**/*.py"))
KINDS: dict[type[MetricWrapperBase], str] = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}
OF_EVERY_RECORD = {"timestamp", "level", "logger", "service", "event", "trace_id", "exception"}


def registered() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Kind and labels of what the services count, by the name they are shown under."""
    found = {one for one in REGISTRY._collector_to_names if isinstance(one, MetricWrapperBase)}
    return {
        one._name + ("_total" if isinstance(one, Counter) else ""): (KINDS[type(one)], tuple(one._labelnames))
        for one in found
    }


def documented() -> dict[str, tuple[str, tuple[str, ...]]]:
    rows = re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram) \|([^|]*)\|", PAGE, re.MULTILINE)
    return {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def test_every_metric_is_documented_with_its_labels_and_no_other_one_is() -> None:
    assert len(SERVICES) == 5
    assert documented() == registered()


def test_no_metric_tells_tenants_items_runs_or_people_apart() -> None:
    labels = {label for _, names in registered().values() for label in names}
    assert not {label for label in labels if label.endswith("_id") or label in ("tenant", "item", "run", "address")}


def fields_of(source: Path) -> Iterator[str]:
    """The names that records are given where they are logged, and that are bound at the edges."""
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="logger" | "telemetry"), attr=what)) if what in CALLS:
                yield from (keyword.arg for keyword in node.keywords if keyword.arg not in (None, "exc_info"))
            case ast.FunctionDef(name="ids"):
                yield from (name for text in ast.walk(node) if (name := _id_name(text)))
            case _:
                pass


CALLS = ("debug", "info", "warning", "error", "exception", "critical", "about", "note")


def _id_name(node: ast.AST) -> str | None:
    text = node.value if isinstance(node, ast.Constant) else None
    return text if isinstance(text, str) and text.endswith("_id") else None


def ids_in_paths() -> set[str]:
    """Those of routes, which requests are logged with."""
    texts = [path.read_text() for path in (WORKSPACE / "docs/openapi").glob("*.json")]
    return {name for text in texts for name in re.findall(r"\{(\w+_id)\}", text)}


def ids_of_messages() -> set[str]:
    message = Envelope(
        id="1", source="x", type="x", time=utc_now(), tenant=UUID(int=1), key="x", data=None, correlation="x"
    )
    return set(message_ids(message))


def documented_fields() -> set[str]:
    rows = PAGE.split("## Logs")[1].splitlines()
    return {name for row in rows if row.startswith("| `") for name in re.findall(r"`(\w+)`", row.split(" | ")[0])}


def test_every_field_of_a_log_record_is_documented() -> None:
    fields = {field for source in SOURCES for field in fields_of(source)}
    assert {"run_id", "rule_id", "tenant_id", "item_id", "command_id"} <= fields  # the search finds what it is for
    assert (fields | OF_EVERY_RECORD | ids_in_paths() | ids_of_messages()) - documented_fields() == set()


@pytest.mark.parametrize("name", ["span", "metric"])
def test_the_page_has_its_tables(name: str) -> None:
    assert f"| {name} |" in PAGE
