"""Another instance of a service of a stack, on ports of its own."""

from collections.abc import Callable, Mapping

from local_stack.addresses import Addresses
from local_stack.programs import Environment, Service
from local_stack.stack import Stack


def replica(stack: Stack, name: str, addresses: Addresses, suffix: str) -> Service:
    """`suffix` tells its home and log from others'."""
    run, migrate = environments(stack, name, addresses)
    return Service(name, stack.folder / f"{name}-{suffix}", addresses, stack.forks, run, migrate)


def environments(stack: Stack, name: str, addresses: Addresses) -> tuple[Environment, Environment]:
    """Of an instance there: to run it, and to migrate."""
    ports = {"HTTP_PORT": addresses.port(name), "INTERNAL_PORT": addresses.port(f"{name} internal")}

    def there(environment: Callable[[str], Mapping[str, str]]) -> Environment:
        return lambda: {**environment(name), **{key: str(port) for key, port in ports.items()}}

    return there(stack.environments.service), there(stack.environments.migration)
