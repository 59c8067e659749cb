"""Which port belongs to whom: a base that can be moved, and fixed offsets."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from contracts.kit.internal import is_internal
from local_stack.ports import HOST

DEFAULT_PORT_BASE = 17_000
SERVICES = ("entity-service", "rule-engine", "doc-service", "comms-service", "trigger-service")
PEERS = ("mail", "sms", "payments", "carriers", "traces")
OFFSETS = {
    "postgres": 1,
    "kafka": 2,
    "kafka-controller": 3,
    "temporal": 4,
    "temporal-ui": 5,
    "prometheus": 6,
    "alertmanager": 7,
    "zipkin": 8,
    "kafka-secured": 9,
    "entity-service": 10,
    "rule-engine": 11,
    "doc-service": 12,
    "comms-service": 13,
    "trigger-service": 14,
    "smtp": 20,
    "mail": 21,
    "sms": 22,
    "payments": 23,
    "traces": 24,
    "carriers": 25,
}
INTERNAL = 20
"""From a service's port to the one of its internal listener."""
OFFSETS |= {f"{name} internal": OFFSETS[name] + INTERNAL for name in SERVICES}


@dataclass(frozen=True)
class Addresses:
    """Addresses of one stack, by the names of `OFFSETS`."""

    port_base: int

    @classmethod
    def of(cls, folder: Path) -> "Addresses":
        """`$STACK_PORT_BASE`, else what the stack in `folder` had when it was last started, else the default."""
        description = folder / "stack.json"
        stored = json.loads(description.read_text())["port_base"] if description.exists() else DEFAULT_PORT_BASE
        return cls(int(os.environ.get("STACK_PORT_BASE") or stored))

    def port(self, name: str) -> int:
        return self.port_base + OFFSETS[name]

    def address(self, name: str) -> str:
        return f"{HOST}:{self.port(name)}"

    def url(self, name: str) -> str:
        return f"http://{self.address(name)}"

    def internal_url(self, service: str) -> str:
        """Where the service is asked for `/internal`, `/health` and `/metrics`."""
        return self.url(f"{service} internal")

    def url_of(self, name: str, path: str) -> str:
        """The whole URL of a path of a service, on the listener that serves it, or of another part."""
        inside = name in SERVICES and is_internal(path)
        return (self.internal_url(name) if inside else self.url(name)) + path
