"""What the page and the chart's example expose is what the services serve outside."""

import re
from functools import cache
from typing import Any

import pytest
import yaml
from fastapi.routing import iter_route_contexts

from contract.openapi import SERVICES, application
from contracts.kit.internal import is_internal
from deployment.chart import SECURED
from deployment.deploying_page import values_of_the_page
from local_stack.layout import WORKSPACE

EXAMPLES: dict[str, dict[str, Any]] = {"page": yaml.safe_load(values_of_the_page()), "chart": SECURED}
OF_PEOPLE = "/v1/"
"""All else is open to strangers: `contract.test_openapi` tries every route."""


@cache
def served(service: str) -> set[str]:
    """The first parts of the paths of its public listener."""
    paths = [one.path for one in iter_route_contexts(application(service).routes) if one.path is not None]
    return {f"/{path.split('/')[1]}/" for path in paths if not is_internal(path)}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_hosts_of_an_example_lead_to_all_that_is_served_outside_and_to_nothing_else(
    example: str, service: str
) -> None:
    hosts = EXAMPLES[example]["services"][service]["hosts"]
    assert {path for paths in hosts.values() for path in paths} == served(service)


@pytest.mark.parametrize("service", SERVICES)
def test_the_page_says_what_strangers_need(service: str) -> None:
    page = (WORKSPACE / "docs/deploying.md").read_text()
    (sentence,) = re.findall(r"Strangers need (.*?)\.\s", page, re.DOTALL)
    said = {
        of: set(re.findall(r"`(.+?)`", paths)) for paths, of in re.findall(r"(`/.*?) of ([\w-]+)", sentence, re.DOTALL)
    }
    assert said.get(service, set()) == served(service) - {OF_PEOPLE}
