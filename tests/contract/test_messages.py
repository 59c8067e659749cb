"""What is said on the wire: generated documents are committed, old payloads and old readers are kept."""

import json
from pathlib import Path
from typing import Any, ClassVar, Literal

import jsoncompat
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat

from contracts import documents, topics
from contracts.catalogue import COMMANDERS, MESSAGES, TYPES
from contracts.decoding import decode
from contracts.envelope import Body, Envelope, Record
from contracts.messages.results import CancelCommand
from contracts.topics import TOPICS

GOLDEN = documents.ROOT / "tests/golden/messages"
BASELINE = documents.ROOT / documents.BASELINE
PAYLOADS = sorted(GOLDEN.glob("*/*.json"))


def read_golden(path: Path) -> tuple[Record, Any]:
    golden = json.loads(path.read_text())
    headers = tuple((name, text.encode()) for name, text in golden["headers"].items())
    return Record(golden["key"].encode(), json.dumps(golden["value"]).encode(), headers), golden


def read(record: Record) -> Envelope[Body]:
    envelope = decode(record.headers, record.value)
    return envelope.with_data(TYPES[envelope.type].model_validate_json(envelope.data))


def test_generated_documents_are_committed() -> None:
    for path, text in documents.files().items():
        assert (documents.ROOT / path).read_text() == text, f"{path} is not what the code says: run `make schemas`"
    for folder in (documents.SCHEMAS, documents.ASYNCAPI):
        committed = {path.relative_to(documents.ROOT) for path in (documents.ROOT / folder).iterdir()}
        assert committed <= documents.files().keys()


def test_every_type_has_a_golden_payload() -> None:
    assert {path.parent.name for path in PAYLOADS} == set(TYPES)


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_todays_reader_reads_a_golden_payload_and_writes_it_again(path: Path) -> None:
    record, golden = read_golden(path)
    again = Record.of(read(record))
    assert (again.key, again.headers) == (record.key, record.headers)
    assert contained(golden["value"], json.loads(again.value)) == []


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_golden_payload_is_valid_under_its_committed_schema(path: Path) -> None:
    schema = (documents.ROOT / documents.SCHEMAS / f"{path.parent.name}.json").read_text()
    record, _ = read_golden(path)
    assert jsoncompat.validator_for(schema).is_valid_json(record.value.decode())


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_readers_pass_over_what_newer_writers_add(path: Path) -> None:
    record, golden = read_golden(path)
    newer = Record(
        record.key,
        json.dumps({**golden["value"], "added_later": {"a": 1}}).encode(),
        (*record.headers, ("ce_addedlater", b"x"), ("another", b"\xff")),
    )
    assert read(newer) == read(record)


@pytest.mark.parametrize("name", sorted(path.stem for path in BASELINE.iterdir()))
def test_readers_of_the_last_release_can_read_what_is_written_today(name: str) -> None:
    """Until v0.1.0 formats may change: `python -m contracts.documents baseline` takes today's for the last ones."""
    assert name in TYPES, "a type is never taken away; its topic may still hold it"
    old = (BASELINE / f"{name}.json").read_text()
    new = json.dumps(documents.message_schema(TYPES[name], "serialization"))
    verdict = jsoncompat.analyze_compat(old, new, "serializer")
    assert verdict["status"] == "compatible", verdict


class _Old(Body):
    TYPE: ClassVar[str] = "test.changed.v1"

    text: str
    kind: Literal["a", "b"]
    note: str | None = None


class _WithMore(_Old):
    more: int


class _WithLess(Body):
    TYPE: ClassVar[str] = "test.changed.v1"

    text: str
    kind: Literal["a", "b"]


class _WithoutText(Body):
    TYPE: ClassVar[str] = "test.changed.v1"

    kind: Literal["a", "b"]


class _WithAnotherKind(_Old):
    kind: Literal["a", "b", "c"]  # type: ignore[assignment]


class _WithPerhapsText(_Old):
    text: str | None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("new", "compatible"),
    [
        (_Old, True),
        (_WithMore, True),
        (_WithLess, False),
        (_WithoutText, False),
        (_WithAnotherKind, False),
        (_WithPerhapsText, False),
    ],
)
def test_a_change_that_an_old_reader_cannot_read_is_noticed(new: type[Body], compatible: bool) -> None:
    old = json.dumps(documents.message_schema(_Old))
    written = json.dumps(documents.message_schema(new, "serialization"))
    assert (jsoncompat.analyze_compat(old, written, "serializer")["status"] == "compatible") is compatible


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_reference_library_reads_our_records_and_we_read_its(path: Path) -> None:
    record, golden = read_golden(path)
    binary = {name: raw for name, raw in record.headers if name != "traceparent"}
    event = from_binary(KafkaMessage(binary, record.key, record.value), JSONFormat())
    headers = golden["headers"]
    assert (event.get_id(), event.get_source(), event.get_type()) == (
        headers["ce_id"],
        headers["ce_source"],
        headers["ce_type"],
    )
    assert event.get_extension("tenantid") == headers["ce_tenantid"]
    assert event.get_data() == golden["value"]
    theirs = to_binary(event, JSONFormat())
    value = theirs.value if isinstance(theirs.value, bytes) else str(theirs.value).encode()
    back = read(Record(record.key, value, tuple(theirs.headers.items())))
    assert back == read(Record(record.key, record.value, tuple(binary.items())))
    assert theirs.key == golden["key"]


def test_commands_go_to_topics_whose_owner_handles_and_can_be_cancelled() -> None:
    for topic in COMMANDERS:
        assert topic.groups == (topic.owner,)
        assert CancelCommand in MESSAGES[topic]


def test_every_topic_that_we_write_says_what_is_on_it() -> None:
    assert set(TOPICS) - set(MESSAGES) == {topics.EXTERNAL_EVENTS}


def test_whoever_commands_also_hears_the_results() -> None:
    results = {
        "entity-service": topics.ENTITY_RESULTS,
        "doc-service": topics.DOC_RESULTS,
        "rule-engine": topics.RULE_RESULTS,
        "comms-service": topics.COMMS_RESULTS,
    }
    for topic, commanders in COMMANDERS.items():
        assert set(results[topic.owner].groups) == set(commanders)


def contained(golden: Any, written: Any, place: str = "value") -> list[str]:
    """Where `written` does not say what `golden` says; what it says more is no difference."""
    if isinstance(golden, dict) and isinstance(written, dict):
        missing = [f"{place}.{key}: missing" for key in golden if key not in written]
        shared = [key for key in golden if key in written]
        return missing + [e for key in shared for e in contained(golden[key], written[key], f"{place}.{key}")]
    if isinstance(golden, list) and isinstance(written, list) and len(golden) == len(written):
        return [e for n, pair in enumerate(zip(golden, written, strict=True)) for e in contained(*pair, f"{place}.{n}")]
    return [] if golden == written else [f"{place}: {written!r} instead of {golden!r}"]
