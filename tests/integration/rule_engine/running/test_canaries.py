"""A canary on the running engine: real events, its watcher, and a roll back by itself."""

from typing import Any
from uuid import uuid4

import pytest

from support.engine import Deal, Harness
from support.waiting import eventually

URL = "/v1/rule-sets/sales/canary"
GREET = {"name": "greet", "type": "send_email", "params": {"subject": "Hi", "text": "Hi", "address_type": "other"}}
"""Fails: nobody has such an address."""
MARK = {"name": "greet", "type": "create_task", "params": {"name": "Call"}}


@pytest.mark.verify
async def test_one_that_fails_is_rolled_back_and_the_next_items_run_on_what_was_published(harness: Harness) -> None:
    first = Deal(harness)
    async with harness.engine(), harness.service_environment.caller(first.tenant, "author") as author:
        await first.has_rules({"new": [MARK]})
        draft = {"pipeline": "sales", "stages": {"new": {"rules": [GREET]}}}
        assert (await author.put("/v1/rule-sets/sales", json=draft)).is_success
        began = await author.post(URL, json={"share": 99, "after": 1})
        assert began.is_success, began.text
        deals = [first, *(Deal(harness, first.tenant, uuid4()) for _ in range(3))]
        for deal in deals:
            await deal.enters("new")

        async def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = (await author.get(URL)).json()
            return found if found["state"] != "on" else None

        found = await eventually(ended, "the canary is rolled back")
        assert found is not None
        assert (found["state"], found["ended_by"]) == ("rolled_back", "canary")
        assert "rules failed, of the rest 0.0%" in found["reason"]
        await first.enters("won")
        await first.enters("new")
        await first.reaches("greet", "running")
