"""Serves a service's application on its two listeners until it is told to end."""

from typing import Any

import uvicorn
from fastapi import FastAPI

from contracts.kit.gc_tuning import tune_gc
from contracts.kit.listeners import bind
from contracts.kit.settings import ServiceSettings


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Returns when the process was asked to end, and what was under way has ended or `DRAIN_S` seconds are over."""
    config: Any = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        loop="asyncio",  # the Kafka client does not outlive a lost connection on uvloop
        http="httptools",
        server_header=False,
        proxy_headers=False,  # the application asks `trusted_proxies`; a server would trust any loopback
        timeout_graceful_shutdown=int(settings.drain_s),
    )
    tune_gc()
    ports = (settings.http_port, settings.internal_port)
    uvicorn.Server(config).run(sockets=[bind(settings.http_host, port) for port in ports])
