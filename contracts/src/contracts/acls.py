"""Who may do what on Kafka, from who publishes and who consumes what: one table for brokers of every kind.

Consumers are not told who wrote a message, so these lists are what keeps others from writing as a service.
`python -m contracts.acls` prints them as commands of Kafka's own `kafka-acls.sh`, whose further arguments, such as
`--bootstrap-server`, are given behind; with `--other NAME` it prints those of another team's account.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from contracts import topics
from contracts.catalogue import publishers
from contracts.topics import TOPICS, Topic, dead_letter_topic

type Operation = Literal["Read", "Write", "Describe"]

WRITES: tuple[Operation, ...] = ("Write", "Describe")
READS: tuple[Operation, ...] = ("Read", "Describe")

SERVICES = tuple(dict.fromkeys(topic.owner for topic in TOPICS if topic is not topics.EXTERNAL_EVENTS))


@dataclass(frozen=True, slots=True)
class Acl:
    """`principal`, an account's name, may do `operations` on what has this name, or begins with it (`prefixed`)."""

    principal: str
    kind: Literal["topic", "group"]
    name: str
    operations: tuple[Operation, ...]
    prefixed: bool = False

    def command(self) -> str:
        """The arguments of `kafka-acls.sh`; brokers name SASL accounts `User:<account>`."""
        pattern = " --resource-pattern-type prefixed" if self.prefixed else ""
        operations = " ".join(f"--operation {one}" for one in self.operations)
        return f"--add --allow-principal User:{self.principal} {operations} --{self.kind} {self.name}{pattern}"


def of_service(service: str) -> Iterator[Acl]:
    """A service writes what it publishes and its own dead letters, and reads what it consumes, as its own group."""
    for topic in TOPICS:
        if service in publishers(topic):
            yield Acl(service, "topic", topic.name, WRITES)
        if service in topic.groups:
            yield Acl(service, "topic", topic.name, READS)
            yield Acl(service, "topic", dead_letter_topic(topic.name, service), WRITES)
    yield Acl(service, "group", service, ("Read",))


def of_others(name: str, reads: Iterable[Topic] | None = None, *, publishes: bool = True) -> Iterator[Acl]:
    """Another team's account: it publishes external events, and reads events in groups that begin with its name."""
    read = event_topics() if reads is None else tuple(reads)
    if publishes:
        yield Acl(name, "topic", topics.EXTERNAL_EVENTS.name, WRITES)
    yield from (Acl(name, "topic", topic.name, READS) for topic in read)
    if read:
        yield Acl(name, "group", f"{name}.", ("Read",), prefixed=True)


def event_topics() -> tuple[Topic, ...]:
    """What other teams may read: facts; commands and results are between the services."""
    return tuple(topic for topic in TOPICS if topic.name.endswith(".events.v1") and topic is not topics.EXTERNAL_EVENTS)


def main(arguments: list[str]) -> None:
    """Raises `SystemExit` for an option without a name."""
    if arguments[:1] == ["--other"]:
        if len(arguments) < 2:
            raise SystemExit("usage: python -m contracts.acls [--other NAME] [arguments of kafka-acls.sh]")
        listed, more = list(of_others(arguments[1])), arguments[2:]
    else:
        listed, more = [acl for service in SERVICES for acl in of_service(service)], arguments
    for acl in listed:
        sys.stdout.write(" ".join(["kafka-acls.sh", *more, acl.command()]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
