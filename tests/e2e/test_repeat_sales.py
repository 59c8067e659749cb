"""Scenario S2 on all services and servers."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from local_stack.apply import Services, read
from local_stack.demo.repeat_sales import RepeatSales
from local_stack.demo.shop import EXAMPLES, Shop, open_shop
from local_stack.demo.teller import Teller
from local_stack.plan import plan
from local_stack.stack import Stack
from support.dead_letters import dead_letters

pytestmark = [pytest.mark.e2e, pytest.mark.verify]


@pytest.fixture
def lessor(stack: Stack) -> Iterator[Shop]:
    stack.start(["all"])
    with closing(open_shop(stack, RepeatSales.example)) as shop:
        yield shop


@pytest.mark.invariant(1)
def test_a_contract_is_approved_and_leads_to_the_next_ones(lessor: Shop) -> None:
    for step in RepeatSales(lessor, Teller()).steps():
        step.play()
    assert dead_letters(lessor) == {}


def test_the_documents_are_in_force_as_they_stand(lessor: Shop) -> None:
    documents = read(EXAMPLES / RepeatSales.example)
    with closing(Services(lessor.stack.addresses, lessor.stack.credentials, lessor.tenant)) as services:
        assert [one.words() for one in plan(documents, services) if one.change != "same"] == []
