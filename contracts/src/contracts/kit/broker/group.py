"""Membership in a consumer group: FastStream builds the member, the kit polls it, and takes it out when it stops."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int16, Int32, Schema, String
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from contracts.kit.kafka import connected, security, token_options
from contracts.kit.servers import KafkaSettings
from contracts.topics import Topic

SESSION_MS = 45_000
REBALANCE_MS = 60_000
CLOSE_S = 10
LEAVE_S = 5
_GROUP_COORDINATOR = 0


@dataclass(frozen=True, slots=True)
class Member:
    """A process in a consumer group; its place there outlives a restart under the same name."""

    servers: KafkaSettings
    group: str
    name: str

    def instance(self, topics: Sequence[Topic]) -> str:
        """The id of the static member that reads these topics."""
        return f"{self.name}-{topics[0].name}"


@asynccontextmanager
async def joined(member: Member, topics: Sequence[Topic]) -> AsyncGenerator[AIOKafkaConsumer]:
    """A consumer that commits only on request, and sees nothing of a transaction that was aborted.

    Closing it keeps the member's partitions until its session expires, or until `leave`.
    """
    broker = KafkaBroker(
        member.servers.kafka_bootstrap,
        security=security(member.servers),
        client_id=member.name,
        consumer_only=True,
        allow_auto_create_topics=False,
        request_timeout_ms=REBALANCE_MS + 5_000,  # joining a group takes as long as its slowest member
        metadata_max_age_ms=30_000,
        logger=None,
        **token_options(member.servers),
    )
    subscriber = broker.subscriber(  # without a handler, so that FastStream leaves the polling to us
        *(topic.name for topic in topics),
        batch=True,
        group_id=member.group,
        group_instance_id=member.instance(topics),
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=SESSION_MS,
        rebalance_timeout_ms=REBALANCE_MS,
        max_poll_interval_ms=86_400_000,  # a member that waits for a server stays one; `wedged_for` finds a wedge
        no_reply=True,
    )
    try:
        await broker.start()
        if subscriber.consumer is None:
            raise RuntimeError("FastStream started no consumer")
        yield subscriber.consumer
    finally:
        with suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(broker.stop(), CLOSE_S)


class _LeaveResponse(Response):  # type: ignore[misc]
    API_KEY = 13
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "members",
            Array(("member_id", String("utf-8")), ("group_instance_id", String("utf-8")), ("error_code", Int16)),
        ),
    )


class _LeaveStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 13
    API_VERSION = 3
    RESPONSE_TYPE = _LeaveResponse
    SCHEMA = Schema(
        ("group", String("utf-8")),
        ("members", Array(("member_id", String("utf-8")), ("group_instance_id", String("utf-8")))),
    )


class _LeaveRequest(Request[_LeaveStruct]):  # type: ignore[misc]
    """LeaveGroup of version 3, which names static members; aiokafka has none above 1."""

    API_KEY = 13

    def __init__(self, group: str, instance: str) -> None:
        self._group = group
        self._instance = instance

    def build(self, request_struct_class: type[_LeaveStruct]) -> _LeaveStruct:
        return request_struct_class(self._group, [("", self._instance)])


async def leave(member: Member, topics: Sequence[Topic]) -> None:
    """Gives the partitions to others at once; static members do not leave when they close.

    If the broker is away, they get them when the member's session expires.
    """
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(LEAVE_S), connected(member.servers) as client:
            coordinator = await client.coordinator_lookup(_GROUP_COORDINATOR, member.group)
            await client.send(coordinator, _LeaveRequest(member.group, member.instance(topics)))
