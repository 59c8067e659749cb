"""The control plane that the tests of this folder share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployment.control_plane import ControlPlane
from deployment.custom_resources import MISSING, definitions, definitions_file
from support.waiting import until


@pytest.fixture(scope="session")
def cluster(session_folder: Path) -> Iterator[ControlPlane]:
    """Knows the custom resources of other projects; nothing acts on them."""
    file = definitions_file()
    if file is None:
        pytest.fail(MISSING)
    made = ControlPlane(session_folder / "kubernetes")
    try:
        made.start()
        known = definitions(file)
        made.apply([*known.values(), *([] if "KafkaUser" in known else [ANY_KAFKA_USER])])
        until(lambda: made.attempt(*ESTABLISHED).returncode == 0, "the kinds of the custom resources")
        yield made
    finally:
        made.stop()


ESTABLISHED = ("kubectl", "wait", "crd", "--all", "--for=condition=Established", "--timeout=60s")
ANY_KAFKA_USER = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "kafkausers.kafka.strimzi.io"},
    "spec": {
        "group": "kafka.strimzi.io",
        "scope": "Namespaced",
        "names": {"kind": "KafkaUser", "plural": "kafkausers", "singular": "kafkauser"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    }
                },
            }
        ],
    },
}
"""Takes whatever it says: for those who have no definition of it."""
