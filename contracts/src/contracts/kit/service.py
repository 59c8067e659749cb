"""What every service is made of: one process with its API, consumers, relay, workers and health, started and drained.

`main.py` builds a `Service`, adds what it consumes, works on and serves, and gets the application from it.
"""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from contracts.kit import configuration, health, quotas, telemetry
from contracts.kit.auth import Authenticator, is_guarded, let_in_first
from contracts.kit.body_limits import BodyLimitMiddleware
from contracts.kit.broker import Consumer, Member, OutageError, Processor, Subscription
from contracts.kit.certificates import measure_certificates
from contracts.kit.clock import Clock, utc_now
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Database
from contracts.kit.dead_letter import api as dead_letters
from contracts.kit.dead_letter.operations import Operations
from contracts.kit.dead_letter.replay import Replayer
from contracts.kit.dead_letter.writer import DeadLetters, erase_settled
from contracts.kit.http import Idempotency, forget_answers, install_problems
from contracts.kit.inbox import Inbox, keep_days
from contracts.kit.internal import is_internal
from contracts.kit.kafka import make_producer
from contracts.kit.listeners import ListenerMiddleware
from contracts.kit.outbox import Outbox, Relay
from contracts.kit.quotas import Quota, QuotaApi
from contracts.kit.service_tokens import measure_service_tokens
from contracts.kit.settings import ServiceSettings
from contracts.kit.worker import Job, Worker

logger = structlog.get_logger(__name__)

INTERNAL_MARK = {"x-internal": True}
"""What the OpenAPI document says of a route that the public listener does not serve."""

type Background = Callable[[], Awaitable[None]]


class Service:
    """Database, outbox and clock to build a service with; then its consumers, workers, tasks and routes."""

    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        *,
        clock: Clock = utc_now,
        quotas: Sequence[Quota] = (),
        api_only: bool = False,
    ) -> None:
        """With `api_only` it answers requests and relays what they commit; other processes consume and work."""
        self.name = name
        self.settings = settings
        self.clock = clock
        self.instance = f"{socket.gethostname()}-{settings.http_port}"
        self.database = Database(settings, service=name)
        self.outbox = Outbox()
        self._quotas = quotas
        self._kinds: list[str] = []
        telemetry.show(telemetry.QUOTA_REFUSALS, [quota.name for quota in quotas])
        self._api_only = api_only
        self.idempotency = Idempotency(self.database)
        self._relay = Relay(self.database, self._producer)
        self._dead_letters = DeadLetters(name, self._producer, self.database)
        self._consumers: list[Consumer] = []
        self._processors: list[Processor] = []
        self._replayer = Replayer(self.database, self._dead_letters, self._processors, clock)
        self._background: list[tuple[str, Background]] = [
            ("relay", self._relay.run),
            ("housekeeping", self._keep_house),
            *([] if api_only else [("replay", self._replayer.run)]),
        ]
        self._on_stop: list[Background] = []
        self._draining = False
        self._checks: list[tuple[str, Background]] = [("database", self.database.ping)]
        self.database.on_commit(self._relay.wake)

    def _producer(self) -> AIOKafkaProducer:
        return make_producer(self.settings, f"{self.name}-{self.instance}")

    def consume(self, subscription: Subscription[Any]) -> None:
        """Consumes in the group named like the service."""
        if self._api_only:
            return
        inbox = Inbox(self.name, self.settings.inbox_days, self.clock)
        processor = Processor(subscription, self.database, inbox, self._dead_letters)
        telemetry.show_topics(topic.name for topic in subscription.topics)
        member = Member(self.settings, self.name, f"{self.name}-{self.instance}")
        self._processors.append(processor)
        self._consumers.append(Consumer(processor, member))

    def work(self, jobs: Mapping[str, Job], concurrency: int = 8) -> Worker:
        """Does leased work in this process."""
        worker = Worker(self.database, jobs, self.clock, concurrency, timedelta(seconds=self.settings.lease_s))
        self._kinds += jobs
        telemetry.show_work(jobs)
        if not self._api_only:
            self.database.on_commit(worker.wake)
            self.background("worker", worker.run)
        return worker

    def background(self, name: str, run: Background) -> None:
        """Runs for as long as the process; when it ends or raises, the process ends, so that it is started again."""
        self._background.append((name, run))

    def on_stop(self, close: Background) -> None:
        self._on_stop.append(close)

    def check(self, name: str, check: Background) -> None:
        """Adds to readiness: raises when not ready."""
        self._checks.append((name, check))

    def app(self, title: str, routers: Sequence[APIRouter], larger_bodies: dict[str, int] | None = None) -> FastAPI:
        """The application: routes, health, metrics, and everything registered above in its lifespan."""
        app = FastAPI(
            title=title,
            version="1",
            lifespan=self._lifespan,
            separate_input_output_schemas=False,
            openapi_url=None,  # the documents are committed; a running service shows strangers nothing
            telemetry={"tracing": False, "metrics": False, "logs": False},  # `TraceRequests` is ours
        )
        app.state.authenticator = Authenticator(self.settings, self.name)
        app.add_middleware(ListenerMiddleware, internal_port=self.settings.internal_port)
        install_problems(app, OutageError)
        quotas.install_refusals(app)
        app.add_middleware(telemetry.TraceRequests, strangers=_strangers(routers))
        app.add_middleware(BodyLimitMiddleware, larger=larger_bodies)
        if proxies := [str(one) for one in self.settings.trusted_proxies]:
            app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=proxies)
        operations = Operations(self.database, self.clock, self._replayer.wake)
        of_the_kit = (
            dead_letters.router(operations, self.database),
            quotas.router(QuotaApi(self._quotas, self.database, self.clock)),
            configuration.router(self.database),
            health.router(self._checks, self._consumers_ready, self.database, self._measure_files, self._kinds),
        )
        for router in (*routers, *of_the_kit):
            for route in router.routes:
                if isinstance(route, APIRoute):
                    let_in_first(route)
                    route.openapi_extra = INTERNAL_MARK if is_internal(route.path) else route.openapi_extra
            app.include_router(router)
        return app

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncGenerator[None]:
        provider = telemetry.set_up(self.name, self.settings)
        await self._open_database()
        consuming = [asyncio.create_task(self._forever("consumer", consumer.run)) for consumer in self._consumers]
        tasks = [asyncio.create_task(self._forever(name, run), name=name) for name, run in self._background]
        tasks += [asyncio.create_task(self._watch(), name="watchdog")]
        try:
            yield
        finally:
            logger.info("draining")
            self._draining = True
            with suppress(TimeoutError):
                async with asyncio.timeout(self.settings.drain_s):
                    await self._drain(consuming, tasks)
            for task in (*consuming, *tasks):
                task.cancel()
            provider.shutdown()

    async def _open_database(self) -> None:
        """Waits until PostgreSQL is there."""
        while True:
            try:
                await self.database.open()
                await keep_days(self.database, self.settings.inbox_days)
            except INFRASTRUCTURE_ERRORS as error:
                logger.warning("waiting for the database", error=type(error).__name__)
                await asyncio.sleep(1)
            else:
                return

    async def _drain(self, consuming: list["asyncio.Task[None]"], tasks: list["asyncio.Task[None]"]) -> None:
        """Consumers end their batch, workers the work under way; what is in the outbox waits for the next start."""
        for consumer in self._consumers:
            consumer.stop()
        await asyncio.gather(*consuming, return_exceptions=True)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for close in reversed(self._on_stop):
            await close()
        await self._dead_letters.close()
        await self.database.close()

    async def _forever(self, name: str, run: Background) -> None:
        try:
            await run()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            logger.critical("a background task died; the process ends", task=name, exc_info=error)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        if not self._draining:
            logger.critical("a background task ended; the process ends", task=name)
            os.kill(os.getpid(), signal.SIGTERM)

    async def _watch(self) -> None:
        """Ends a process whose consumer hangs inside the client: only a restart helps."""
        while True:
            await asyncio.sleep(5)
            if any(consumer.wedged_for() > self.settings.wedged_s for consumer in self._consumers):
                logger.critical("a consumer is wedged; the process ends")
                os._exit(70)

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(3600)
            with suppress(*INFRASTRUCTURE_ERRORS):
                await keep_days(self.database, self.settings.inbox_days)
                await erase_settled(self.database, self.clock())
                await forget_answers(self.database, self.settings.idempotency_days)
                await configuration.forget_changes(self.database, self.settings.configuration_days)

    def _measure_files(self) -> None:
        measure_certificates(self.settings)
        measure_service_tokens(self.name, self.settings)

    def _consumers_ready(self) -> bool:
        return all(consumer.ready() for consumer in self._consumers)


def _strangers(routers: Sequence[APIRouter]) -> frozenset[str]:
    """The first parts of the paths that are open to strangers."""
    routes = (route for router in routers for route in router.routes if isinstance(route, APIRoute))
    return frozenset(route.path.split("/")[1] for route in routes if not is_guarded(route))
