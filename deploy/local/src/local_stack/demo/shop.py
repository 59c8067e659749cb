"""A shop opens: a new tenant, set up from an example's documents, and the people of the story."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from local_stack.apply import Answers, Services, apply, read
from local_stack.demo.people import Person
from local_stack.layout import WORKSPACE
from local_stack.stack import Stack

EXAMPLES = WORKSPACE / "deploy/local/examples"
FURNITURE_SHOP = "furniture-shop"
EXAMPLE = EXAMPLES / FURNITURE_SHOP
ZONE = "Europe/Rome"


@dataclass(frozen=True)
class Shop:
    """One tenant. `ids` are its employees' by code; `head` may operate automation, too."""

    stack: Stack
    tenant: UUID
    ids: Mapping[str, str]
    owner: Person
    head: Person
    manager: Person
    visitor: Person
    answers: Answers
    """What the services answered to the example's documents."""

    def close(self) -> None:
        for person in (self.owner, self.head, self.manager, self.visitor):
            person.close()

    @property
    def form(self) -> str:
        return self._path("form/site")

    @property
    def payment_callback(self) -> str:
        return str(self.answers["payment-account/bank"]["callback_url"])

    def _path(self, name: str) -> str:
        return str(self.answers[name]["path"])

    @property
    def logs(self) -> Path:
        return self.stack.folder / "logs"

    @property
    def keepsakes(self) -> Path:
        """Where what the story brings about is kept to be looked at."""
        return self.stack.folder / "demo"


_EMPLOYEE = "employee/"


def open_shop(stack: Stack, example: str = FURNITURE_SHOP) -> Shop:
    """Applies an example's documents for a new tenant. Raises ApplyError."""
    tenant = uuid4()
    owner = stack.credentials.token(["admin"], tenant, "owner")
    documents = read(EXAMPLES / example, {"PAYMENT_SECRET": stack.credentials.secrets.payment_secret})
    with closing(Services(stack.addresses, stack.credentials, tenant, sub="owner")) as services:
        answers = apply(documents, services, lambda _, __: None)
    ids = {name.removeprefix(_EMPLOYEE): str(one["id"]) for name, one in answers.items() if name.startswith(_EMPLOYEE)}
    return Shop(
        stack=stack,
        tenant=tenant,
        ids=ids,
        owner=Person(stack.addresses, owner),
        head=_employee(stack, tenant, ids["head_of_sales"], "operator"),
        manager=_employee(stack, tenant, ids["manager"], "agent"),
        visitor=Person(stack.addresses),
        answers=answers,
    )


def _employee(stack: Stack, tenant: UUID, id: str, role: str) -> Person:
    return Person(stack.addresses, stack.credentials.token([role], tenant, id))
