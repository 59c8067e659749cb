"""Owners of commands: a row per command with its final result, for ever; slow work leased to workers."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from contracts.envelope import Envelope
from contracts.kit.worker import LEASE
from contracts.messages.comms import Notify
from contracts.messages.results import (
    CANCELLED,
    CancelCommand,
    CommandDone,
    CommandFailed,
    CommandProgress,
    CommandRefused,
    FinalResult,
    Result,
    result_id,
)
from contracts.topics import Topic
from simulation.kafka import Kafka, Message
from simulation.outbox import SimulatedOutbox
from simulation.sim_context import SimContext
from simulation.steps import pause


@dataclass(slots=True)
class Command:
    """A command as its owner keeps it. `message` is the one that made the row: the command, or its cancellation."""

    id: UUID
    message: Message
    final: FinalResult | None = None
    results: int = 0


class Owner:
    """`effects` counts what a command did to the world; more than one would be the thing that must not happen."""

    def __init__(self, name: str, results: Topic, sim_context: SimContext, kafka: Kafka) -> None:
        self.name = name
        self.sim_context = sim_context
        self.outbox = SimulatedOutbox(sim_context, kafka)
        self.commands: dict[UUID, Command] = {}
        self.effects: Counter[UUID] = Counter()
        self._results = results

    def take(self, messages: Iterable[Message]) -> None:
        """One transaction."""
        for message in messages:
            if isinstance(message.data, CancelCommand):
                self._cancel(message, message.data.target)
            elif self._register(message):
                self._finish(self.handle(message))

    def handle(self, command: Message) -> FinalResult | None:
        """Obeys a new command; nothing when recorded work will bring the result."""
        raise NotImplementedError

    def cancel(self, target: UUID) -> bool:
        """Drops the recorded work of a command that is not done yet; whether it did."""
        return False

    def put_aside(self, message: Message) -> None:
        """A command that became a dead letter has failed."""
        if self._register(message):
            self._finish(CommandFailed(command_id=message.command_id, reason="could not be used", retryable=False))

    def _register(self, message: Message) -> bool:
        if self._insert(message, message.command_id):
            return True
        self._republish_result(message.command_id)
        return False

    def _insert(self, message: Message, id: UUID) -> bool:
        new = id not in self.commands
        self.commands.setdefault(id, Command(id, message))
        return new

    def _cancel(self, message: Message, target: UUID) -> None:
        unknown = self._insert(message, target)
        if unknown or (self.commands[target].final is None and self.cancel(target)):
            self._finish(CommandRefused(command_id=target, reason=CANCELLED))
        else:
            self._republish_result(target)

    def _finish(self, answer: FinalResult | None) -> None:
        command = self.commands[answer.command_id] if answer else None
        if answer and command and command.final is None:
            command.final = answer
            command.results += 1
            self._publish(command, answer, command.results - 1)

    def progress(self, progress: CommandProgress) -> None:
        command = self.commands[progress.command_id]
        if command.final is None:
            command.results += 1
            self._publish(command, progress, command.results - 1)

    def _republish_result(self, id: UUID) -> None:
        command = self.commands[id]
        if command.final is not None:
            self._publish(command, command.final, command.results - 1)

    def _publish(self, command: Command, answer: Result, number: int) -> None:
        self.sim_context.say(f"{self.name} answers", command.id, type(answer).__name__)
        envelope = Envelope(
            id=str(result_id(command.message.tenant, command.id, number)),
            source=self.name,
            type=answer.TYPE,
            time=self.sim_context.now,
            tenant=command.message.tenant,
            key=command.message.key,
            data=answer,
            correlation=command.message.correlation,
            issuer=command.message.issuer,
        )
        self.outbox.add(self._results.name, envelope)

    def done(self, command: UUID) -> CommandDone:
        """The effect exists: counted in the transaction, or at the moment, that makes it so."""
        self.effects[command] += 1
        return CommandDone(command_id=command)


@dataclass(slots=True)
class Work:
    """Recorded work. `attempts`: by lease, whether the attempt may have reached the world; none known: under way."""

    run_at: datetime
    lease: UUID | None = None
    leased_until: datetime | None = None
    cancel_asked: bool = False
    attempts: dict[UUID, bool] = field(default_factory=dict)

    @property
    def may_be_out(self) -> bool:
        return any(self.attempts.values())


class LeasedOwner(Owner):
    """Records work, which workers do: doc-service, whose effect is in its own transaction, and comms-service."""

    def __init__(self, name: str, results: Topic, sim_context: SimContext, kafka: Kafka, *, provider: bool) -> None:
        super().__init__(name, results, sim_context, kafka)
        self._provider = provider
        self._answers: dict[UUID, str] = {}
        self.work: dict[UUID, Work] = {}

    def handle(self, command: Message) -> FinalResult | None:
        if self.sim_context.random.random() < 0.15:
            return CommandRefused(command_id=command.command_id, reason="not wanted")
        if isinstance(command.data, Notify):
            return self.done(command.command_id)
        self.work[command.command_id] = Work(self.sim_context.now)
        return None

    def cancel(self, target: UUID) -> bool:
        work = self.work.get(target)
        if work is None:
            return False
        if work.lease is not None or work.may_be_out:
            work.cancel_asked = self._provider
            return False
        del self.work[target]
        return True

    def ready(self) -> list[UUID]:
        """Work that is to be done and in nobody's hands."""
        now = self.sim_context.now
        return [
            id
            for id, work in self.work.items()
            if work.run_at <= now and (work.leased_until is None or work.leased_until < now)
        ]

    async def do_work(self) -> None:
        """A worker's turn: lease, try, store, with a pause between each two."""
        id = self.sim_context.one_of(self.ready())
        if id is None:
            return
        lease = self.sim_context.new_id()
        self.work[id].lease, self.work[id].leased_until = lease, self.sim_context.now + LEASE
        await pause()
        if not self._begin(id, lease):
            return
        await pause()
        outcome = self._try(id)
        await pause()
        self._store(id, lease, outcome)

    def _begin(self, id: UUID, lease: UUID) -> bool:
        work = self._held(id, lease)
        if work is None or self._cancelled(id, work):
            return False
        work.attempts[lease] = self._provider
        return True

    def _held(self, id: UUID, lease: UUID) -> Work | None:
        work = self.work.get(id)
        return work if work and work.lease == lease else None

    def _cancelled(self, id: UUID, work: Work) -> bool:
        """Ends work that was asked back and that surely has reached nobody."""
        if work.cancel_asked and not work.may_be_out:
            self._end(id, CommandRefused(command_id=id, reason=CANCELLED))
            return True
        return False

    def _end(self, id: UUID, answer: FinalResult) -> None:
        del self.work[id]
        self._finish(answer)

    def _try(self, id: UUID) -> str:
        """What the world says; a provider knows a message again by its key, and takes or refuses it once."""
        chance = self.sim_context.random.random()
        outcome = "done" if chance < 0.7 or self.sim_context.calm else "later" if chance < 0.9 else "failed"
        if not self._provider or outcome == "later":
            return outcome
        if id not in self._answers:
            self._answers[id] = outcome
            self.effects[id] += outcome == "done"
        return self._answers[id]

    def _store(self, id: UUID, lease: UUID, outcome: str) -> None:
        """Whoever has lost the lease stores nothing."""
        work = self._held(id, lease)
        if work is None:
            return
        match outcome:
            case "done":
                self._end(id, CommandDone(command_id=id) if self._provider else self.done(id))
            case "failed":
                self._end(id, CommandFailed(command_id=id, reason="not taken", retryable=True))
            case _:
                work.attempts[lease] = False
                if not self._cancelled(id, work):
                    self._put_off(id, work)

    def _put_off(self, id: UUID, work: Work) -> None:
        work.lease = work.leased_until = None
        work.run_at = self.sim_context.now + timedelta(minutes=self.sim_context.random.choice((1, 30, 600)))
        self.progress(CommandProgress(command_id=id, state="waiting for the provider", until=work.run_at))
