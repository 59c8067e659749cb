"""Prometheus and Alertmanager of the local stack: what a service shows is fetched, and an alert reaches a webhook."""

import json
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import yaml

from local_stack.servers import Monitored
from local_stack.testing import PrivateServers
from local_stack.tools import Tools
from support.waiting import until

pytestmark = pytest.mark.verify

RULES = {
    "groups": [
        {
            "name": "parked",
            "rules": [{"alert": "OutboxParked", "expr": "outbox_parked_rows > 0", "annotations": {"is": "parked"}}],
        }
    ]
}
SERVICE = "# TYPE outbox_parked_rows gauge\noutbox_parked_rows 3\n"


class Stub(ThreadingHTTPServer):
    """A service with metrics, and a webhook that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: list[dict[str, Any]] = []
        self.address = f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def do_GET(self) -> None:
        self._answer(SERVICE.encode())

    def do_POST(self) -> None:
        self.server.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_an_alert_of_a_service_reaches_a_webhook(private_servers: PrivateServers, stub: Stub, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(yaml.safe_dump(RULES))
    checked = subprocess.run(  # noqa: S603 - our own argument list
        [Tools.default().promtool(), "check", "rules", rules], check=False, capture_output=True
    )
    assert checked.returncode == 0, checked.stderr
    webhook = {"name": "webhook", "webhook_configs": [{"url": f"http://{stub.address}"}]}
    alertmanager = private_servers.alertmanager(
        {"route": {"receiver": "webhook", "group_wait": "1s"}, "receivers": [webhook]}
    )
    prometheus = private_servers.prometheus(
        Monitored({"rule-engine": [stub.address]}, [rules], alertmanager.address, every="1s")
    )
    until(lambda: bool(stub.told), "the webhook is told", within_s=60)
    (alert,) = stub.told[0]["alerts"]
    assert (alert["labels"]["alertname"], alert["labels"]["service"]) == ("OutboxParked", "rule-engine")
    asked = httpx.get(f"{prometheus.url}/api/v1/query", params={"query": "outbox_parked_rows"}).json()
    assert [one["value"][1] for one in asked["data"]["result"]] == ["3"]
    for server in (prometheus, alertmanager):
        assert httpx.get(server.url, follow_redirects=True).status_code == 200
