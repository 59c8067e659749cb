"""A probe that writes notes down, `poison` only when it is mended, and kills itself at a point: `DIE_AT`."""

import asyncio
import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from contracts.envelope import Envelope
from contracts.kit.broker import Processor, Subscription, consumer, each
from contracts.kit.database import Connection
from contracts.kit.dead_letter.replay import Replayer
from contracts.kit.dead_letter.store import letters
from contracts.kit.dead_letter.writer import DeadLetters
from contracts.kit.service import Service
from contracts.kit.serving import serve
from contracts.kit.settings import ServiceSettings
from contracts.topics import Topic
from integration.kit.harness import NoteWritten, add_note
from support.dying import dying

DYING: dict[str, tuple[Any, str, bool]] = {
    "copied to the topic, before it is kept": (DeadLetters, "put", True),
    "kept, before its commit": (letters, "add", True),
    "kept": (DeadLetters, "keep", True),
    "answered, before the offset is committed": (consumer, "commit", False),
}
REPLAYING: dict[str, tuple[Any, str, bool]] = {
    "its turn has come": (Replayer, "_replay", False),
    "settled, before the commit": (letters, "settle", True),
    "committed": (Processor, "replay", True),
}
DYING_AGAIN: dict[str, tuple[Any, str, bool]] = {
    "found dead again": (Processor, "replay", True),
    "copied to the topic again": (DeadLetters, "put", True),
    "settled as dead again, before the commit": (letters, "die_again", True),
    "kept again": (Replayer, "_put_aside", True),
}
POINTS = DYING | REPLAYING | DYING_AGAIN


async def write_down(message: Envelope[NoteWritten], tx: Connection) -> None:
    await add_note(tx, message.tenant, message.data.text)
    if message.data.text == "poison" and not await asyncio.to_thread(Path(os.environ["MENDED"]).exists):
        raise ValueError("a defect")


def build_app(settings: ServiceSettings) -> FastAPI:
    service = Service(os.environ["PROBE"], settings)
    topic = Topic(os.environ["PROBE_TOPIC"], service.name, (service.name,))
    service.consume(Subscription(topics=(topic,), bodies=(NoteWritten,), handle=each({NoteWritten: write_down})))
    return service.app("probe", [])


if __name__ == "__main__":
    owner, name, after = POINTS[os.environ["DIE_AT"]]
    setattr(owner, name, dying(getattr(owner, name), after=after))
    settings = ServiceSettings()
    serve(build_app(settings), settings)
