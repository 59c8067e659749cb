"""Puts access lists in force on a broker."""

from collections.abc import Iterable

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import CreateAclsRequest

from contracts.acls import SERVICES, Acl, of_service
from local_stack.errors import StackError

_KINDS, _OPERATIONS = {"topic": 2, "group": 3}, {"Read": 3, "Write": 4, "Describe": 8}
_LITERAL, _PREFIXED, _ALLOW = 3, 4, 3


async def allow_services(bootstrap: str) -> None:
    """Each does what the table says, and nothing else."""
    await allow(bootstrap, [acl for service in SERVICES for acl in of_service(service)])


async def allow(bootstrap: str, listed: Iterable[Acl]) -> None:
    """Repeating it changes nothing. Raises StackError for what the broker refuses."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        for acl in listed:
            pattern = _PREFIXED if acl.prefixed else _LITERAL
            for operation in acl.operations:
                who = (pattern, f"User:{acl.principal}", "*", _OPERATIONS[operation], _ALLOW)
                request = CreateAclsRequest(_KINDS[acl.kind], acl.name, *who)
                answer = await client.send(client.get_random_node(), request)
                if any(refused := [one for one in answer.creation_responses if one[0]]):
                    raise StackError(f"the broker refuses {acl.command()}: {refused}")
    finally:
        await client.close()
