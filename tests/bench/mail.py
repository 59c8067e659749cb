"""From a stage change to the mail server, with nothing else to do: every service a process of its own."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from email.message import EmailMessage
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import aiosmtplib
import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

import comms_service
from bench.engine import Engine, open_engine
from bench.events import Raw, open_raw
from bench.figures import Row, at_most, at_most_times, p50, p99
from bench.item import open_mover
from bench.rehearsal import bare_pool
from bench.temporal import bare_runs
from bench.world import Shop, World, open_shop, stage_changed
from comms_service.settings import Settings as CommsSettings
from contracts.envelope import Record
from local_stack.ports import HOST, free_port
from support.processes import Program
from support.senders import vouch

MAILS, FLOORS, WARM = 100, 100, 5
IDLE_S = 0.2
"""Between two mails: what the one before has left to do is done by then."""


class Sink:
    """A mail server that only notes when mails came."""

    def __init__(self) -> None:
        self.port = free_port()
        self._arrivals: asyncio.Queue[float] = asyncio.Queue()

    async def handle_DATA(self, _: SMTP, __: Session, ___: Envelope) -> str:
        self._arrivals.put_nowait(perf_counter())
        return "250 accepted"

    async def arrival(self) -> float:
        """When the next mail came."""
        async with asyncio.timeout(60):
            return await self._arrivals.get()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Sink"]:
        loop = asyncio.get_running_loop()
        async with await loop.create_server(lambda: SMTP(self), HOST, self.port):
            yield self


async def measure(world: World) -> list[Row]:
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(Sink().open())
        floors = await _floors(world, sink)
        shop = await stack.enter_async_context(open_shop(world))
        engine = await stack.enter_async_context(open_engine(world, shop))
        await stack.enter_async_context(_process("rule_engine", engine.settings))
        await stack.enter_async_context(_comms(world, shop, sink))
        agent = await stack.enter_async_context(shop.service_environment.caller(shop.tenant, "agent"))
        agent.headers["if-match"] = "*"
        took: list[float] = []
        with world.report.step("mail: stage changes to the mail server", MAILS + WARM) as done:
            for deal in await shop.deals(MAILS + WARM):
                took.append(await _mail(agent, sink, deal))
                done()
    return [
        at_most_times(2, "mail: stage change to SMTP sink, idle, p50", sum(floors.values()), p50(took[WARM:]), "ms"),
        at_most(1000, "mail: stage change to SMTP sink, idle, p99", p99(took[WARM:]), "ms"),
    ]


async def _mail(agent: httpx.AsyncClient, sink: Sink, deal: UUID) -> float:
    """Milliseconds from the request to the mail's arrival."""
    await asyncio.sleep(IDLE_S)
    started = perf_counter()
    moving = asyncio.create_task(agent.put(f"/v1/items/{deal}/stage", json={"stage": "new"}))
    arrived = await sink.arrival()
    assert (await moving).is_success
    return (arrived - started) * 1000


@asynccontextmanager
async def _process(module: str, settings: Any) -> AsyncGenerator[None]:
    service = Program(module, settings)
    await service.start()
    try:
        await service.ready()
        yield
    finally:
        await service.stop()


@asynccontextmanager
async def _comms(world: World, shop: Shop, sink: Sink) -> AsyncGenerator[None]:
    """comms-service with an e-mail channel."""
    nowhere = f"http://{HOST}:1"
    async with world.service_environment("comms-service") as service_environment:
        settings = await service_environment.settle(
            comms_service,
            CommsSettings,
            smtp_url=SecretStr(f"smtp://{HOST}:{sink.port}"),
            sms_url=nowhere,
            sms_token=SecretStr("none"),
            sms_receipt_secret=SecretStr("whsec_bm9uZW5vbmVub25lbm9uZW5vbmVub25l"),
            public_comms_url=nowhere,
            doc_service_url=nowhere,
        )
        async with _process("comms_service", settings), service_environment.caller(shop.tenant, "author") as author:
            await vouch(author, service_environment, shop.tenant, "example.org")
            channel = {"kind": "email", "name": "Mail", "sender_address": "shop@example.org", "default": True}
            assert (await author.put("/v1/channels/mail", json=channel)).is_success
            yield


# the floors on the way


async def _floors(world: World, sink: Sink) -> dict[str, float]:
    """Typical milliseconds of each thing that has to happen one after another, raw, with nothing else to do."""
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(open_shop(world))
        engine = await stack.enter_async_context(open_engine(world, shop))
        record = Record.of(stage_changed(shop.tenant, uuid4(), "new"))
        raw = await stack.enter_async_context(open_raw(world.kafka.address, record))
        http = await stack.enter_async_context(httpx.AsyncClient())
        with world.report.step("mail: floors on the way"):
            floors = {
                "two HTTP requests": 2
                * await _typical(lambda: http.get(shop.service_environment.url_of("/health/live"))),
                "two Kafka round trips": 2 * await _round_trip(raw),
                "two transactions of one insert": 2 * await _insert(engine, record),
                "an eager workflow with the transaction": await _workflow(world, shop, engine),
                "a mail handed in": await _typical(lambda: _hand_in(sink)),
                "an item's stage change": await _stage_change(shop),
            }
        world.report.say("  " + ", ".join(f"{name} {took:.1f} ms" for name, took in floors.items()))
        return floors


async def _typical(work: Callable[[], Awaitable[object]]) -> float:
    await work()
    return p50([await _timed(work) for _ in range(FLOORS)])


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    started = perf_counter()
    await work()
    return (perf_counter() - started) * 1000


async def _round_trip(raw: Raw) -> float:
    for number in range(FLOORS):
        await raw.send(number)
        delays = await raw.sights.delays()
    return p50(delays)


async def _insert(engine: Engine, record: Record) -> float:
    async with bare_pool(engine.settings.database_owner_url, 1) as pool:
        await pool.execute("CREATE TABLE bare (key bytea, value bytea)")
        return await _typical(lambda: pool.execute("INSERT INTO bare VALUES ($1, $2)", record.key, record.value))


async def _workflow(world: World, shop: Shop, engine: Engine) -> float:
    """With what our activity writes as its one transaction."""
    runs = await engine.plan([stage_changed(shop.tenant, deal, "new") for deal in await shop.deals(FLOORS + 1)])
    scripts = await engine.transactions_of(runs, shop.tenant)
    numbers = iter(range(len(runs)))
    async with bare_runs(world.temporal.address, engine.settings) as bare:
        bare.transactions.scripts = scripts
        return await _typical(lambda: bare.run(next(numbers)))


async def _hand_in(sink: Sink) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.org", "ada@example.org", "Your An oak table"
    mail["Message-ID"] = f"<{uuid4()}@example.org>"
    mail.set_content("Dear Ada, thank you.")
    await aiosmtplib.send(mail, hostname=HOST, port=sink.port)
    await sink.arrival()


async def _stage_change(shop: Shop) -> float:
    async with open_mover(shop) as mover:
        await mover.move_bare()
        return p50([await mover.move_bare() for _ in range(FLOORS)])
