"""Schemathesis asks every operation for what fits its description and what does not: no answer is a defect."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
from schemathesis import APIOperation, BaseSchema, Case, GenerationMode
from schemathesis.core.result import Ok

from contract.openapi import OPENAPI, SERVICES
from local_stack.layout import WORKSPACE
from security.asking import entitled
from security.routes import ADMIN, ROUTES
from security.running_stack import RunningStack
from security.seeded_tenant import SeededTenant, furnish

pytestmark = pytest.mark.verify

type Operation = APIOperation[Any, Any, Any, Any]

EXAMPLES = 4
"""Of each kind (fitting, not fitting) for each operation."""
BORDERLINE = 8
"""Cases at the borders of the description, for each operation."""

STRANGERS = {"/f/{token}": ("form",), "/hooks/payments/{token}": ("provider",), "/hooks/t/{token}": ("hook",)}

once = settings(
    max_examples=EXAMPLES,
    database=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@pytest_asyncio.fixture
async def tenant(running_stack: RunningStack) -> SeededTenant:
    """A tenant whose records may be changed at will."""
    return await furnish(running_stack)


@pytest.mark.parametrize("service", SERVICES)
async def test_no_operation_answers_with_a_defect(tenant: SeededTenant, service: str) -> None:
    answers = await asyncio.to_thread(fuzz, tenant, service)
    reached = [operation for operation, statuses in answers.items() if any(map(is_success, statuses))]
    assert len(reached) > len(answers) / 2, f"of {answers} too few were ever asked well enough to do something"


def fuzz(tenant: SeededTenant, service: str) -> Mapping[str, Counter[int]]:
    """How often each operation gave which status."""
    schema = schemathesis.openapi.from_path(WORKSPACE / OPENAPI / f"{service}.json")
    with requests.Session() as session:
        hunts = [Fuzzer(tenant, service, operation, session) for operation in _operations(schema)]
        for hunt in hunts:
            hunt.go()
    return {hunt.operation: hunt.answers for hunt in hunts}


def _operations(schema: BaseSchema) -> Iterator[Operation]:
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        yield found.ok()


def is_success(status: int) -> bool:
    return 200 <= status < 300


class Fuzzer:
    """One operation, asked by somebody who may, half of the time about records that there are."""

    def __init__(self, tenant: SeededTenant, service: str, operation: Operation, session: requests.Session) -> None:
        self._tenant = tenant
        self._operation = operation
        self._session = session
        self.operation = f"{operation.method.upper()} {operation.path}"
        self.answers: Counter[int] = Counter()
        self._url = tenant.running_stack.service_environment[service].base_of(operation.path)
        routes = {call.replace(":path}", "}"): route for call, route in ROUTES[service].items()}
        route = routes.get(self.operation)
        self._headers = entitled(tenant, service, self.operation, route.role if route else ADMIN) | {"if-match": "*"}
        of = route.of if route else STRANGERS.get(operation.path, ())
        self._records = _records(operation, [tenant.id(service, name) for name in of])

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
        if case.path.startswith("/internal/dead-letters/") and isinstance(case.body, dict):
            _limit_to(self._tenant, case.body)
        if self._operation.path == "/f/{token}" and isinstance(case.body, dict):
            case.body = {**case.body, "_nonce": self._tenant.nonce()}
        response = case.call(base_url=self._url, session=self._session, headers=self._headers)
        self.answers[response.status_code] += 1
        assert response.status_code < 500, f"{response.status_code} {response.text}: {case.as_curl_command()}"


def _limit_to(tenant: SeededTenant, choice: dict[str, Any]) -> None:
    """Else the dead letters of others might be chosen."""
    if isinstance(choice.get("filter"), dict):
        choice["filter"] = choice["filter"] | {"tenant": str(tenant.tenant)}


def _records(operation: Operation, ids: Sequence[str]) -> Mapping[str, str]:
    """The path's parameters about the tenant's records; none where that would delete them."""
    names = [parameter.name for parameter in operation.path_parameters]
    if operation.method.upper() == "DELETE" or len(names) != len(ids):
        return {}
    order = sorted(names, key=lambda name: operation.path.index(f"{{{name}}}"))
    return dict(zip(order, ids, strict=True))
