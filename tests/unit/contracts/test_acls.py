"""Who may do what on Kafka follows from who publishes and consumes what."""

import pytest

from contracts import acls, topics
from contracts.acls import SERVICES, Acl, of_others, of_service
from contracts.catalogue import COMMANDERS, publishers
from contracts.topics import TOPICS


def may_write(service: str) -> set[str]:
    return {acl.name for acl in of_service(service) if "Write" in acl.operations and not acl.name.endswith(".dlq")}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topic_is_written_by_its_publishers_alone_and_read_by_its_groups_alone(topic: topics.Topic) -> None:
    writers = {service for service in SERVICES if topic.name in may_write(service)}
    assert writers == set(publishers(topic)) - {"anyone"}
    readers = {acl.principal for service in SERVICES for acl in of_service(service) if acl.name == topic.name} - writers
    assert readers == set(topic.groups) - writers


def test_results_and_events_have_one_writer() -> None:
    for topic in TOPICS:
        if topic not in COMMANDERS:
            assert len(publishers(topic)) == 1


def test_a_group_and_its_dead_letters_belong_to_the_service_of_that_name() -> None:
    for service in SERVICES:
        groups = [acl.name for acl in of_service(service) if acl.kind == "group"]
        assert groups == [service]
        dead = [acl.name for acl in of_service(service) if acl.name.endswith(".dlq")]
        assert all(name.endswith(f".{service}.dlq") for name in dead)


def test_others_publish_external_events_and_read_no_command_and_no_result() -> None:
    listed = list(of_others("billing"))
    assert {acl.name for acl in listed if "Write" in acl.operations} == {"crm.external.events.v1"}
    read = {acl.name for acl in listed if acl.kind == "topic" and "Read" in acl.operations}
    assert read == {topic.name for topic in acls.event_topics()}
    assert not [name for name in read if "commands" in name or "results" in name]
    assert Acl("billing", "group", "billing.", ("Read",), prefixed=True) in listed


def test_the_table_is_printed_as_commands(capsys: pytest.CaptureFixture[str]) -> None:
    acls.main(["--bootstrap-server", "kafka:9093"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == sum(len(list(of_service(service))) for service in SERVICES)
    assert (
        "kafka-acls.sh --bootstrap-server kafka:9093 --add --allow-principal User:doc-service"
        " --operation Write --operation Describe --topic crm.doc.results.v1" in lines
    )
    acls.main(["--other", "billing", "--bootstrap-server", "kafka:9093"])
    assert (
        capsys.readouterr()
        .out.splitlines()[-1]
        .endswith("--operation Read --group billing. --resource-pattern-type prefixed")
    )
    with pytest.raises(SystemExit, match="--other NAME"):
        acls.main(["--other"])
