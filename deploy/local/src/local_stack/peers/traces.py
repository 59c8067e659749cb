"""A trace collector: takes spans as OTLP over HTTP, keeps them in SQLite, gives a trace back as a tree."""

import asyncio
import gzip
import json
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from local_stack.peers.peer import PeerSettings, serve
from local_stack.peers.zipkin import Forwarder, zipkin_span

_TABLE = """
CREATE TABLE IF NOT EXISTS spans (
    trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT NOT NULL, service TEXT NOT NULL, name TEXT NOT NULL,
    started_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL, failed INTEGER NOT NULL,
    attributes TEXT NOT NULL, links TEXT NOT NULL, PRIMARY KEY (trace_id, span_id)
) WITHOUT ROWID
"""


class Spans:
    """The kept spans; a span that comes twice is kept once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "spans.db"
        with closing(self._connect()) as connection, connection:
            connection.execute("PRAGMA journal_mode = wal")
            connection.execute(_TABLE)

    def keep(self, spans: Iterable[tuple[str, Span]]) -> None:
        rows = [_row(service, span) for service, span in spans]
        with closing(self._connect()) as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def of(self, trace_id: str) -> list[dict[str, Any]]:
        """The spans of one trace, by start."""
        with closing(self._connect()) as connection:
            rows = connection.execute("SELECT * FROM spans WHERE trace_id = ? ORDER BY started_ns", (trace_id.lower(),))
            return [_readable(row) for row in rows]

    def latest(self, service: str | None, name: str | None, attribute: str | None, limit: int) -> list[dict[str, Any]]:
        """Newest first: traces with a span of that service, name and attribute (`key=value`)."""
        key, _, value = (attribute or "").partition("=")
        question = """
            SELECT trace_id, min(started_ns) AS started_ns, count(*) AS spans FROM spans WHERE trace_id IN (
                SELECT trace_id FROM spans WHERE (:service IS NULL OR service = :service)
                AND (:name IS NULL OR name = :name) AND (:key = '' OR attributes ->> :path = :value)
            ) GROUP BY trace_id ORDER BY 2 DESC LIMIT :limit"""
        path = f'$."{key}"'
        wanted = {"service": service, "name": name, "key": key, "path": path, "value": value, "limit": limit}
        with closing(self._connect()) as connection:
            return [dict(row) for row in connection.execute(question, wanted)]

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=10)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = normal")
        return connection


class Settings(PeerSettings):
    zipkin_url: str | None = None
    """Who is told of every span, too."""


def build_app(settings: Settings) -> FastAPI:
    spans = Spans(settings.peer_folder)
    zipkin = Forwarder(settings.zipkin_url) if settings.zipkin_url else None

    @asynccontextmanager
    async def forwarding(_app: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(zipkin.run()) if zipkin else None
            yield
            if task:
                task.cancel()

    app = FastAPI(title="Trace peer", lifespan=forwarding)

    @app.post("/v1/traces")
    async def receive(request: Request) -> Response:
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        taken = list(_spans(ExportTraceServiceRequest.FromString(body)))
        await run_in_threadpool(spans.keep, taken)
        if zipkin:
            zipkin.offer([zipkin_span(service, span, _attributes(span.attributes)) for service, span in taken])
        return Response(ExportTraceServiceResponse().SerializeToString(), media_type="application/x-protobuf")

    @app.get("/traces/{trace_id}")
    def read_trace(trace_id: str) -> dict[str, Any]:
        """The roots with their children below them; a span whose parent is unknown is a root."""
        found = spans.of(trace_id)
        if not found:
            raise HTTPException(404, f"no trace {trace_id}")
        return {"trace_id": trace_id, "spans": len(found), "roots": tree(found)}

    @app.get("/traces")
    def list_traces(
        service: str | None = None, name: str | None = None, attr: str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """The newest traces; `attr` is `key=value`."""
        return spans.latest(service, name, attr, limit)

    return app


def tree(spans: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Nests spans below their parents under `children`."""
    nodes = {span["span_id"]: span | {"children": []} for span in spans}
    roots: list[dict[str, Any]] = []
    for node in nodes.values():
        parent = nodes.get(node["parent_id"])
        siblings = parent["children"] if parent else roots
        siblings.append(node)
    return roots


def _spans(request: ExportTraceServiceRequest) -> Iterator[tuple[str, Span]]:
    for resource in request.resource_spans:
        service = str(_attributes(resource.resource.attributes).get("service.name", "unknown"))
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield service, span


def _row(service: str, span: Span) -> tuple[Any, ...]:
    links = [{"trace_id": link.trace_id.hex(), "span_id": link.span_id.hex()} for link in span.links]
    return (
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        service,
        span.name,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == Status.STATUS_CODE_ERROR,
        json.dumps(_attributes(span.attributes)),
        json.dumps(links),
    )


def _readable(row: sqlite3.Row) -> dict[str, Any]:
    span = dict(row)
    return span | {
        "failed": bool(span["failed"]),
        "duration_ms": round((span["ended_ns"] - span["started_ns"]) / 1e6, 3),
        "attributes": json.loads(span["attributes"]),
        "links": json.loads(span["links"]),
    }


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, kind) if kind else None


def main() -> None:
    settings = Settings()
    serve(build_app(settings), settings)


if __name__ == "__main__":
    main()
