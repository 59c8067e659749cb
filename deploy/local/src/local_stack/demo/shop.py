"""The furniture shop opens: a new tenant, set up from the example's documents, and the people of the story."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from local_stack.apply import Answers, Services, apply, read
from local_stack.demo.people import Person
from local_stack.layout import WORKSPACE
from local_stack.stack import Stack

EXAMPLE = WORKSPACE / "deploy/local/examples/furniture-shop"
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
    form: str
    payment_callback: str

    def close(self) -> None:
        for person in (self.owner, self.head, self.manager, self.visitor):
            person.close()

    @property
    def logs(self) -> Path:
        return self.stack.folder / "logs"

    @property
    def keepsakes(self) -> Path:
        """Where what the story brings about is kept to be looked at."""
        return self.stack.folder / "demo"


def open_shop(stack: Stack) -> Shop:
    """Applies the example's documents for a new tenant. Raises ApplyError."""
    tenant = uuid4()
    owner = stack.credentials.token(["admin"], tenant, "owner")
    documents = read(EXAMPLE, {"PAYMENT_SECRET": stack.credentials.secrets.payment_secret})
    with closing(Services(stack.addresses, stack.credentials, tenant, sub="owner")) as services:
        answers = apply(documents, services, lambda _, __: None)
    ids = {code: str(answers[f"employee/{code}"]["id"]) for code in ("head_of_sales", "manager", "warehouse_worker")}
    return Shop(
        stack=stack,
        tenant=tenant,
        ids=ids,
        owner=Person(stack.addresses, owner),
        head=_employee(stack, tenant, ids["head_of_sales"], "operator"),
        manager=_employee(stack, tenant, ids["manager"], "agent"),
        visitor=Person(stack.addresses),
        form=_path(answers, "form/site"),
        payment_callback=stack.addresses.url("trigger-service") + _path(answers, "payment-provider/bank"),
    )


def _employee(stack: Stack, tenant: UUID, id: str, role: str) -> Person:
    return Person(stack.addresses, stack.credentials.token([role], tenant, id))


def _path(answers: Answers, name: str) -> str:
    return str(answers[name]["path"])
