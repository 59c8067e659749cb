"""Temporal's client: over TLS, as who we are, and with the API key that is valid now."""

import asyncio
import logging
from functools import cache
from pathlib import Path

import structlog
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError, TLSConfig

from rule_engine.settings import TemporalSettings

logger = structlog.get_logger(__name__)

RENEW_S = 60


async def connect(settings: TemporalSettings) -> Client:
    """Waits for the server, however long it is away, and for files that cannot be read yet."""
    while True:
        try:
            return await Client.connect(
                settings.temporal_address,
                namespace=settings.temporal_namespace,
                data_converter=pydantic_data_converter,
                tls=_tls(settings),
                api_key=settings.temporal_api_key(),
                runtime=_runtime(),
            )
        except (RuntimeError, RPCError, OSError) as error:
            logger.warning("waiting for Temporal", error=type(error).__name__)
            await asyncio.sleep(1)


@cache
def _runtime() -> Runtime:
    """The SDK's threads, of which a process has one set. What they log goes where all of the process is logged."""
    levels = TelemetryFilter(core_level="WARN", other_level="ERROR")
    forwarded = LogForwardingConfig(logger=logging.getLogger("temporalio"))
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=levels, forwarding=forwarded)))


async def renew_api_key(client: Client, settings: TemporalSettings, every_s: float = RENEW_S) -> None:
    """Shows the key that is in its file, until cancelled; the one before while the file cannot be read."""
    while True:
        await asyncio.sleep(every_s)
        try:
            client.api_key = settings.temporal_api_key()
        except OSError as error:
            logger.warning("the API key of Temporal cannot be read", error=type(error).__name__)


def _tls(settings: TemporalSettings) -> TLSConfig | bool:
    if not settings.temporal_tls:
        return False
    return TLSConfig(
        server_root_ca_cert=_read(settings.temporal_ca_file),
        client_cert=_read(settings.temporal_cert_file),
        client_private_key=_read(settings.temporal_key_file),
    )


def _read(file: Path | None) -> bytes | None:
    return file.read_bytes() if file else None
