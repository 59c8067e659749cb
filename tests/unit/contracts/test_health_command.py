"""`<service> health`: what a container engine asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from contracts.kit.command_line import ask_health
from contracts.kit.settings import ServiceSettings
from local_stack.ports import HOST, free_port

NOT_READY = b'{"status": "not ready", "failing": ["database"]}'


def settings(port: int, host: str = HOST) -> ServiceSettings:
    return ServiceSettings(
        http_host=host,
        internal_port=port,
        database_url="postgresql://localhost/x",
        kafka_bootstrap="localhost:1",
        auth_issuer="x",
        auth_audience="x",
    )


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with HTTPServer((HOST, 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
    assert asked == ["/health/ready"]


@pytest.mark.parametrize("host", [HOST, "0.0.0.0"])  # noqa: S104 - compared
def test_a_service_that_is_ready_passes_on_whatever_address_it_listens(host: str) -> None:
    with answering(200, b"{}") as port:
        ask_health(settings(port, host))


def test_one_that_is_not_ready_says_why() -> None:
    with answering(503, NOT_READY) as port, pytest.raises(SystemExit, match="database"):
        ask_health(settings(port))


def test_one_that_does_not_run_is_named_by_its_port() -> None:
    port = free_port()
    with pytest.raises(SystemExit, match=f"nobody answers at port {port}"):
        ask_health(settings(port))
