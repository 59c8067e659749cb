"""Schemathesis asks every operation for what fits its description and what does not: no answer is a defect."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

import pytest
import pytest_asyncio
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.result import Ok

from contract.openapi import OPENAPI, SERVICES
from local_stack.layout import WORKSPACE
from security.estate import Estate, furnish
from security.routes import ROUTES, SERVICE
from security.town import Town

type Operation = APIOperation[Any, Any, Any, Any]

EXAMPLES = 20
"""Of each kind (fitting, not fitting) for each operation."""
BORDERLINE = 40
"""Cases at the borders of the description, for each operation."""

once = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@pytest_asyncio.fixture(scope="module")
async def prey(town: Town) -> Estate:
    """A tenant whose records may be changed at will."""
    return await furnish(town)


@pytest.mark.parametrize("service", SERVICES)
async def test_no_operation_answers_with_a_defect(prey: Estate, service: str) -> None:
    await asyncio.to_thread(fuzz, prey, service)


def fuzz(prey: Estate, service: str) -> None:
    schema = schemathesis.openapi.from_path(WORKSPACE / OPENAPI / f"{service}.json")
    with requests.Session() as session:
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)
            Hunt(prey, service, found.ok(), session).go()


class Hunt:
    """One operation, asked by somebody who may, half of the time about records that there are."""

    def __init__(self, prey: Estate, service: str, operation: Operation, session: requests.Session) -> None:
        self._operation = operation
        self._session = session
        self._url = prey.town.url(service)
        routes = {call.replace(":path}", "}"): route for call, route in ROUTES[service].items()}
        route = routes.get(f"{operation.method.upper()} {operation.path}")
        inside = route is not None and route.role == SERVICE
        self._headers = (prey.town.service() if inside else prey.person("admin")) | {"if-match": "*"}
        self._records = _records(prey, operation, route.of if route else ())

    def go(self) -> None:
        for mode in GenerationMode:
            self._guess(mode)
        for case in islice(self._borderline(), BORDERLINE):
            self._ask(case, real=True)

    def _guess(self, mode: GenerationMode) -> None:
        @once
        @given(case=self._operation.as_strategy(generation_mode=mode), real=st.booleans())
        def ask(case: Case[Any], real: bool) -> None:
            self._ask(case, real)

        with suppress(Unsatisfiable):  # an operation without parameters cannot be asked wrongly
            ask()

    def _borderline(self) -> Iterator[Case[Any]]:
        schema: Any = self._operation.schema
        config = schema.config.generation_for(operation=self._operation)
        yield from schema.iter_coverage_cases(
            self._operation, generation_modes=list(GenerationMode), generation_config=config
        )

    def _ask(self, case: Case[Any], real: bool) -> None:
        if real and self._records:
            case.path_parameters = dict(self._records)
        response = case.call(base_url=self._url, session=self._session, headers=self._headers)
        assert response.status_code < 500, f"{response.status_code} {response.text}: {case.as_curl_command()}"


def _records(prey: Estate, operation: Operation, of: tuple[str, ...]) -> Mapping[str, str]:
    """The path's parameters about the tenant's records; none where that would delete them."""
    names = [parameter.name for parameter in operation.path_parameters]
    if operation.method.upper() == "DELETE" or len(names) != len(of):
        return {}
    order = sorted(names, key=lambda name: operation.path.index(f"{{{name}}}"))
    return dict(zip(order, (prey.ids.get(name, name) for name in of), strict=True))
