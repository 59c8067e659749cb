"""A process that serves the API alone, beside those that plan and run."""

import httpx

from rule_engine.main import build_app
from support.engine import Harness
from support.service_environment import free_ports
from support.serving import ready, serving_service


async def test_it_is_ready_and_answers_without_temporal_and_without_partitions(harness: Harness) -> None:
    http_port, internal_port = free_ports()
    alone = {
        "api_only": True,
        "temporal_address": "localhost:1",
        "http_port": http_port,
        "internal_port": internal_port,
    }
    settings = harness.settings.model_copy(update=alone)
    async with serving_service(build_app(settings), settings) as url:
        await ready(settings)
        async with httpx.AsyncClient(base_url=url) as http:
            assert (await http.get("/v1/rule-types")).status_code == 401
