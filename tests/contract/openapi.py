"""Writes the OpenAPI document of every service, from the application as it is served.

`python -m tests.contract.openapi` writes `docs/openapi/<service>.json`; a test compares.
"""

import base64
import json
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from contracts.kit.settings import ServiceSettings
from local_stack.layout import WORKSPACE

OPENAPI = Path("docs/openapi")
SERVICES = ("entity-service", "rule-engine", "trigger-service", "doc-service", "comms-service")
SETTINGS = {
    "database_url": "postgresql://nobody@localhost/none",
    "kafka_bootstrap": "localhost:1",
    "auth_issuer": "https://id.example.com",
    "auth_audience": "stagewright",
    "entity_service_url": "http://localhost:1",
    "doc_service_url": "http://localhost:1",
    "public_doc_url": "http://localhost:1",
    "public_comms_url": "http://localhost:1",
    "public_entity_url": "http://localhost:1",
    "temporal_address": "localhost:1",
    "smtp_url": "smtp://localhost:1",
    "sms_url": "http://localhost:1",
    "sms_token": "unused",
    "secrets_key": "A" * 43,
    "sms_receipt_secret": "whsec_" + base64.b64encode(b"unused" * 5).decode(),
}
"""Something for everything that some service must be told; nothing is connected to."""


@cache
def application(service: str) -> FastAPI:
    """A service's application, not started: one for all who only look at it."""
    return make_application(service)


def make_application(service: str, **own: Any) -> FastAPI:
    """One of one's own; `own` are settings that differ."""
    app = import_module(f"{service.replace('-', '_')}.main").build_app(settings_of(service, **own))
    assert isinstance(app, FastAPI)
    return app


def settings_of(service: str, **own: Any) -> ServiceSettings:
    kind = import_module(f"{service.replace('-', '_')}.settings").Settings
    settings = kind(**SETTINGS | own, files_dir=Path(tempfile.mkdtemp()))
    assert isinstance(settings, ServiceSettings)
    return settings


def files() -> Mapping[Path, str]:
    """Every document with its path in the repository."""
    documents = {service: application(service).openapi() for service in SERVICES}
    return {OPENAPI / f"{service}.json": json.dumps(it, indent=2) + "\n" for service, it in documents.items()}


if __name__ == "__main__":
    (WORKSPACE / OPENAPI).mkdir(parents=True, exist_ok=True)
    for path, text in files().items():
        (WORKSPACE / path).write_text(text)
