"""A world: all services on simulated servers, people, and misfortune, in an order that follows from a seed alone."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime, timedelta
from unittest.mock import patch

from structlog.testing import capture_logs

from contracts import topics
from simulation.accounts import Accounts
from simulation.audit import Audit
from simulation.engine import Engine
from simulation.entity import EntityService
from simulation.kafka import Group, Kafka
from simulation.owners import LeasedOwner, Owner
from simulation.people import People
from simulation.rules import SOME_TIME
from simulation.sim_context import SKEW, SimContext
from simulation.steps import Task
from simulation.temporal import Temporal

LOOKING_AFTER = ("sweep", "reconciliation")
RESTLESS = 200
"""Rounds after which a world that nothing disturbs any more must have come to rest."""
MOMENTS = 400
"""Moments at which something is due after the last disturbance; more of them are no end."""


class World:
    """Built from a seed; `play` lets it live, come to rest, and be audited."""

    def __init__(self, seed: int) -> None:
        self.sim_context = SimContext(seed)
        self.kafka = Kafka()
        self.entity = EntityService(self.sim_context, self.kafka)
        self.doc = LeasedOwner("doc-service", topics.DOC_RESULTS, self.sim_context, self.kafka, provider=False)
        self.comms = LeasedOwner("comms-service", topics.COMMS_RESULTS, self.sim_context, self.kafka, provider=True)
        self.temporal = Temporal(self.sim_context)
        self.audit = Audit(self)
        self.engine = Engine(self.sim_context, self.kafka, self.entity, self.temporal, self.audit)
        self.people = People(self.sim_context, self.entity, self.engine)
        self.groups = [self.engine.planning, self.engine.settling]
        self.tasks = self.engine.tasks()
        for owner, commands in (
            (self.entity, topics.ENTITY_COMMANDS),
            (self.doc, topics.DOC_COMMANDS),
            (self.comms, topics.COMMS_COMMANDS),
        ):
            self._serve(owner, Group(owner.name, self.sim_context, self.kafka, [commands], owner.take, owner.put_aside))

    def _serve(self, owner: Owner, group: Group) -> None:
        self.groups.append(group)
        self.tasks += [
            (6, Task(owner.name, "commands", group.poll)),
            (1, Task(owner.name, "dead letters", group.replay)),
            (6, Task(owner.name, "relay", owner.outbox.relay)),
        ]
        if isinstance(owner, LeasedOwner):
            self.tasks += [(3, Task(owner.name, "worker", owner.do_work)) for _ in range(2)]

    @property
    def owners(self) -> tuple[EntityService, LeasedOwner, LeasedOwner]:
        return self.entity, self.doc, self.comms

    def play(self) -> None:
        """Raises `AssertionError` when the audit finds something wrong.

        In a context of its own: what killed processes were at stays open in it, and must not stay in the tests'.
        """
        copy_context().run(self._play)

    def _play(self) -> None:
        accounts = Accounts(self)
        with _as_in_a_simulation():
            self._live()
            self._come_to_an_end()
            accounts.at_end()
            self._hear_it_all_again(accounts)

    # living

    def _live(self) -> None:
        self.people.publish()
        operator = Task("people", "operator", self.people.operate)
        deck = [task for turns, task in [*self.tasks, (4, operator)] for _ in range(turns)]
        rare = self._misfortunes()
        for _ in range(self.sim_context.random.randint(50, 800)):
            if self.sim_context.random.random() < 0.08:
                self.sim_context.random.choice(rare)()
            else:
                self.sim_context.random.choice(deck).run(self.sim_context.random.randint(1, 12))
        operator.kill()

    def _misfortunes(self) -> list[Callable[[], None]]:
        """What comes from outside."""
        return [
            *[self.people.use] * 10,
            *[self._let_time_pass] * 8,
            *[self._kill_one] * 5,
            *[self.temporal.catch_up] * 5,
            *[lambda: self.kafka.echo(self.sim_context)] * 3,
            self.people.publish,
            self.temporal.wipe,
            self._rewind,
        ]

    def _let_time_pass(self) -> None:
        self.sim_context.now += self.sim_context.random.choice(SOME_TIME) * self.sim_context.random.random()

    def _kill_one(self) -> None:
        self._kill(self.sim_context.random.choice(self.tasks)[1].service)

    def _kill(self, service: str) -> None:
        self.sim_context.say("killed", service)
        for _, task in self.tasks:
            if task.service == service:
                task.kill()

    def _rewind(self) -> None:
        """A topic is read from its start, by a group that remembers, or does not."""
        self.sim_context.random.choice(self.groups).rewind()
        if self.sim_context.random.random() < 0.5:
            self.engine.inbox.forget()

    # coming to an end

    def _come_to_an_end(self) -> None:
        """Nothing goes wrong any more, for one replica less; the clock goes from one due moment to the next."""
        self.sim_context.calm = True
        self.sim_context.now += 2 * SKEW
        self._kill("engine-b")
        self.tasks = [(turns, task) for turns, task in self.tasks if task.service != "engine-b"]
        for _ in range(MOMENTS):
            self._come_to_rest()
            self.audit.at_rest()
            moment = self._next_moment()
            if moment is None:
                return
            self.sim_context.now = moment
        raise AssertionError("something is due again and again")

    def _come_to_rest(self) -> None:
        """Until nothing is to be done, and those that look after the rest find nothing either, twice."""
        found_nothing = 0
        for _ in range(RESTLESS):
            pending = self._pending()
            found_nothing = 0 if pending else found_nothing + 1
            if found_nothing > 2:
                return
            self.temporal.catch_up()
            for _, task in self.tasks:
                if (task.name in LOOKING_AFTER) is not bool(pending):
                    task.finish()
        raise AssertionError(f"it does not come to rest: {self._pending()}")

    def _pending(self) -> list[str]:
        """What is still to be done now."""
        found = {
            "messages to publish": sum(len(one.outbox.rows) for one in (*self.owners, self.engine)),
            "messages to consume": sum(group.lag for group in self.groups),
            "executions due": len(self.temporal.due()),
            "work due": len(self.doc.ready()) + len(self.comms.ready()),
            "timers unscheduled": sum(
                timer.scheduled_generation < timer.generation for timer in self.engine.timers.rows.values()
            ),
        }
        return [f"{count} {what}" for what, count in found.items() if count]

    def _next_moment(self) -> datetime | None:
        """One of the next moments at which something is due; to come late must not matter."""
        timers = [
            timer.wake_at for timer in self.engine.timers.rows.values() if timer.wake_at and not timer.has_execution
        ]
        executions = [execution.fires_at for execution in self.temporal.open()]
        work = [
            work.leased_until + timedelta(seconds=1) if work.leased_until else work.run_at
            for owner in (self.doc, self.comms)
            for work in owner.work.values()
        ]
        deadlines = [at + timedelta(seconds=1) for _, at in self.engine.timers.deadline_rows.values() if not work]
        return self.sim_context.one_of(sorted([*timers, *executions, *work, *deadlines])[:3])

    def _hear_it_all_again(self, accounts: Accounts) -> None:
        """Every topic from offset 0, when nobody remembers having taken anything in: nothing changes."""
        before = accounts.outcome()
        for group in self.groups:
            group.rewind()
        self.engine.inbox.forget()
        self._come_to_rest()
        assert accounts.outcome() == before, "7: hearing everything again changed something"


@contextmanager
def _as_in_a_simulation() -> Iterator[None]:
    """No pacing by a real clock, no log on the screen."""
    with patch("rule_engine.scheduler.REBUILT_PER_S", math.inf), capture_logs():
        yield
