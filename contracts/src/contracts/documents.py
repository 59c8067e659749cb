"""Generates the contract's documents: a JSON Schema per message, an AsyncAPI 3 document per service.

`python -m contracts.documents` writes both; a test compares them with what is committed. With the argument `baseline`
it also stores today's schemas as those of the last release, whose readers must understand later writers.
Sources: JSON Schema 2020-12, AsyncAPI 3.0.0 with its Kafka bindings 0.5.0.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any, Literal

from contracts.catalogue import MESSAGES, TYPES, publishers
from contracts.envelope import CONTENT_TYPE, Body
from contracts.topics import TOPICS, Topic

ROOT = Path(__file__).parents[3]
SCHEMAS = Path("contracts/schemas")
ASYNCAPI = Path("docs/asyncapi")
BASELINE = Path("tests/golden/baseline")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SERVICES = ("entity-service", "rule-engine", "trigger-service", "doc-service", "comms-service")

type Document = dict[str, Any]

_HEADERS: Mapping[str, tuple[str, bool]] = {
    "ce_specversion": ("Always 1.0.", True),
    "ce_id": ("With ce_source it identifies the message for ever. A command's is its command id, a UUID.", True),
    "ce_source": ("The service that published it.", True),
    "ce_type": ("The wire name of the message.", True),
    "ce_time": ("When it happened, RFC 3339; the same on every redelivery.", True),
    "ce_tenantid": ("The tenant, a UUID.", True),
    "ce_partitionkey": ("The Kafka key: <tenant>:<item>, or <tenant>:<kind>:<id> without an item.", True),
    "ce_correlationid": ("Goes on through everything that one cause led to.", False),
    "ce_causationid": ("The id of the message that led to this one.", False),
    "ce_causepath": ("The chain of automation: rule_id:item_id pairs, comma-separated.", False),
    "ce_rootcauseid": ("The id of the message that the chain of causes began with; absent on that one.", False),
    "ce_issuer": ("The service that commanded, on commands and their results.", False),
    "traceparent": ("W3C trace context.", False),
    "content-type": (CONTENT_TYPE.decode(), False),
}


def message_schema(body: type[Body], mode: Literal["validation", "serialization"] = "validation") -> Document:
    """What a reader accepts (`validation`) or a writer writes (`serialization`: every field is there)."""
    schema = body.model_json_schema(mode=mode)
    return {"$schema": DIALECT, "$id": f"urn:stagewright:message:{body.TYPE}", **schema}


def asyncapi(service: str) -> Document:
    """What one service sends and receives."""
    sent = [topic for topic in TOPICS if service in publishers(topic)]
    received = [topic for topic in TOPICS if service in topic.groups]
    used = [topic for topic in TOPICS if topic in sent or topic in received]
    bodies = {body for topic in used for body in MESSAGES.get(topic, ())}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": service,
            "version": "1",
            "description": "CloudEvents 1.0 in Kafka's binary mode; redelivery is normal, so go by source and id.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE.decode(),
        "channels": {topic.name: _channel(topic) for topic in used},
        "operations": {
            **{f"send.{topic.name}": _operation("send", topic) for topic in sent},
            **{f"receive.{topic.name}": _operation("receive", topic, service) for topic in received},
        },
        "components": {
            "messages": {body.TYPE: _message(body) for body in sorted(bodies, key=lambda body: body.TYPE)},
            "schemas": {"headers": _headers()},
        },
    }


def _channel(topic: Topic) -> Document:
    return {
        "address": topic.name,
        "messages": {body.TYPE: {"$ref": f"#/components/messages/{body.TYPE}"} for body in MESSAGES.get(topic, ())},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": topic.retention_ms},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operation(action: str, topic: Topic, group: str | None = None) -> Document:
    operation: Document = {"action": action, "channel": {"$ref": f"#/channels/{topic.name}"}}
    if group is not None:
        operation["bindings"] = {"kafka": {"groupId": {"type": "string", "const": group}, "bindingVersion": "0.5.0"}}
    return operation


def _message(body: type[Body]) -> Document:
    return {
        "name": body.TYPE,
        "title": body.__name__,
        "summary": cleandoc(body.__doc__ or "").splitlines()[0],
        "contentType": CONTENT_TYPE.decode(),
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"../../{SCHEMAS}/{body.TYPE}.json"},
        },
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
    }


def _headers() -> Document:
    return {
        "type": "object",
        "properties": {name: {"type": "string", "description": text} for name, (text, _) in _HEADERS.items()},
        "required": [name for name, (_, required) in _HEADERS.items() if required],
    }


def files() -> Mapping[Path, str]:
    """Every generated file with its text, by its path in the repository."""
    schemas = {SCHEMAS / f"{name}.json": _json(message_schema(body)) for name, body in TYPES.items()}
    return schemas | {ASYNCAPI / f"{service}.yaml": _yaml(asyncapi(service)) for service in SERVICES}


def baseline() -> Mapping[Path, str]:
    """Today's schemas as those that later ones are compared with."""
    return {BASELINE / f"{name}.json": _json(message_schema(body)) for name, body in TYPES.items()}


def _json(document: Document) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _yaml(document: Document) -> str:
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120))


def _write(texts: Mapping[Path, str], root: Path = ROOT) -> None:
    """Writes the files, and removes others from their folders."""
    for folder in {path.parent for path in texts}:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for stray in _strays(root / folder, texts):
            stray.unlink()
    for path, text in texts.items():
        (root / path).write_text(text)


def _strays(folder: Path, texts: Mapping[Path, str]) -> Iterable[Path]:
    names = {path.name for path in texts}
    return [path for path in folder.iterdir() if path.name not in names]


if __name__ == "__main__":
    _write(files())
    if sys.argv[1:] == ["baseline"]:
        _write(baseline())
