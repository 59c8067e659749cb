"""A Prometheus with alerts of short windows, and the webhook that its Alertmanager tells of them."""

import json
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import yaml

from deployment.alerts import Burn, Timing
from deployment.alerts.files import rules
from local_stack.servers import Monitored
from local_stack.stack import Stack
from local_stack.testing import PrivateServers
from support.waiting import eventually

SHORT = Timing(
    burns=(Burn("page", timedelta(minutes=1), timedelta(seconds=10), 14.4),),
    soon=timedelta(seconds=4),
    later=timedelta(seconds=6),
    recent=timedelta(seconds=30),
    old=timedelta(seconds=10),
)
"""The same alerts, for faults of seconds."""


class Webhook(ThreadingHTTPServer):
    """Keeps what it is told of each alert: the newest status by its labels, and all that were ever firing."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: dict[str, dict[str, Any]] = {}
        self.fired: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def told(self, alerts: list[dict[str, Any]]) -> None:
        for alert in alerts:
            self.statuses[alert["fingerprint"]] = alert
            if alert["status"] == "firing":
                self.fired.add(alert["labels"]["alertname"])

    def firing(self) -> set[str]:
        return {one["labels"]["alertname"] for one in self.statuses.values() if one["status"] == "firing"}


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        self.server.told(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Watch:
    """What whoever is called at night sees: the webhook's messages, and Prometheus."""

    def __init__(self, webhook: Webhook, prometheus: str) -> None:
        self._webhook = webhook
        self._prometheus = prometheus

    @property
    def firing(self) -> set[str]:
        """Names of the alerts that fire now, as far as the webhook was told."""
        return self._webhook.firing()

    async def until_seen(self, services: int) -> None:
        """Waits until each was looked at some times: what was there at the first look is no rise."""

        async def looked_at() -> bool:
            return self.has_data(f"count(count_over_time(up[1m]) >= 3) == {services}")

        await eventually(looked_at, "looks at the services", 60)

    async def until_fired(self, names: Collection[str], within_s: float = 90) -> None:
        async def all_fired() -> bool:
            return self._webhook.fired >= set(names)

        try:
            await eventually(all_fired, "the alerts", within_s)
        except AssertionError:
            missing = sorted(set(names) - self._webhook.fired)
            raise AssertionError(f"{missing} did not fire in {within_s:.0f} s; firing: {sorted(self.firing)}") from None

    async def until_resolved(self, within_s: float = 120) -> None:
        async def none_fires() -> bool:
            return not self.firing

        try:
            await eventually(none_fires, "the end of all alerts", within_s)
        except AssertionError:
            raise AssertionError(f"{sorted(self.firing)} still fire after {within_s:.0f} s") from None

    def has_data(self, expression: str) -> bool:
        """Whether the query gives something now, or gave it in the last minutes."""
        now = time.time()
        asked: dict[str, str | float] = {"query": expression, "start": now - 240, "end": now, "step": "5s"}
        answer = httpx.get(f"{self._prometheus}/api/v1/query_range", params=asked, timeout=30)
        assert answer.is_success, f"{expression}: {answer.text}"
        return any(series["values"] for series in answer.json()["data"]["result"])


@contextmanager
def watching(stack: Stack, servers: PrivateServers, folder: Path) -> Iterator[Watch]:
    """Looks at the stack's services every second."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "alerts.yaml"
    file.write_text(yaml.safe_dump(rules(SHORT)))
    with Webhook() as webhook:
        Thread(target=webhook.serve_forever, daemon=True).start()
        route = {
            "receiver": "webhook",
            "group_by": ["..."],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "1h",
        }
        receivers = [{"name": "webhook", "webhook_configs": [{"url": webhook.url}]}]
        alertmanager = servers.alertmanager({"route": route, "receivers": receivers})
        targets = {one.name: [stack.addresses.address(f"{one.name} internal")] for one in stack.services}
        prometheus = servers.prometheus(Monitored(targets, [file], alertmanager.address, every="1s"))
        yield Watch(webhook, prometheus.url)
        webhook.shutdown()
