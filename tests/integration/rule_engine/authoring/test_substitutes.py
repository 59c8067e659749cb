"""Who is absent has a substitute, who finds, answers and counts."""

from datetime import UTC, datetime

import httpx
import pytest

from integration.rule_engine.authoring.engine import Deal
from integration.rule_engine.authoring.inboxes import DISCOUNT, SAM, WES, act, begin, inbox, notified, row, run_of
from support.entity import EntityStandIn
from support.shop import SCHEMA


@pytest.fixture
def sam_is_absent(entity: EntityStandIn) -> None:
    """From now on, and Wes answers for him."""
    until = datetime(2090, 1, 1, tzinfo=UTC)
    away = {"absent_until": until, "substitute_id": WES}
    employees = [one.model_copy(update=away) if one.id == SAM else one for one in SCHEMA.employees]
    entity.schema = SCHEMA.model_copy(update={"employees": tuple(employees)})


@pytest.mark.usefixtures("sam_is_absent")
async def test_a_substitute_finds_answers_and_counts_as_who_is_absent(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, wes: httpx.AsyncClient, deal: Deal
) -> None:
    await begin(author, deal, DISCOUNT)
    his = {one["assignee"]: one for one in await inbox(wes)}
    assert {who: one["on_behalf_of"] for who, one in his.items()} == {str(WES): None, str(SAM): str(SAM)}
    assert (await wes.get(f"/v1/assignments/{his[str(SAM)]['id']}")).json() == his[str(SAM)]
    (mine,) = await inbox(sam)
    assert (mine["id"], mine["on_behalf_of"]) == (his[str(SAM)]["id"], None)

    answer = await act(wes, his[str(SAM)], choice="approve")
    assert (answer.status_code, answer.json()["answer"]["by"]) == (200, str(WES))
    late = await act(sam, mine, choice="reject", comment="no")
    assert (late.status_code, late.json()["detail"]) == (409, "the assignment is answered: it is not open any more")
    assert (await act(wes, his[str(WES)], choice="approve")).status_code == 200
    run = await run_of(author, deal)
    votes = row(run, "discount")["outputs"]["votes"]
    assert [(one["employee"], one["by"]) for one in votes] == [(str(SAM), str(WES)), (str(WES), str(WES))]
    (noted,) = run["operator_actions"]
    assert (noted["subject"], noted["action"]) == (str(WES), f"answer discount for employee {SAM}")


async def test_what_is_open_already_is_the_substitutes_from_then_on_and_not_for_longer(
    author: httpx.AsyncClient, wes: httpx.AsyncClient, deal: Deal, entity: EntityStandIn, request: pytest.FixtureRequest
) -> None:
    await begin(author, deal, DISCOUNT | {"voters": ["sam"]})
    assert await inbox(wes) == []
    request.getfixturevalue("sam_is_absent")
    (his,) = await inbox(wes)
    assert his["on_behalf_of"] == str(SAM)
    assert await inbox(wes, assignee=str(SAM)) == [his]

    entity.schema = SCHEMA
    assert await inbox(wes) == []
    assert (await act(wes, his, choice="approve")).status_code == 404


@pytest.mark.usefixtures("sam_is_absent")
async def test_while_entity_service_is_away_everybody_has_their_own(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, wes: httpx.AsyncClient, deal: Deal, entity: EntityStandIn
) -> None:
    await begin(author, deal, DISCOUNT | {"voters": ["sam"]})
    entity.away = True
    assert await inbox(wes) == []
    (mine,) = await inbox(sam)
    assert (await act(sam, mine, choice="approve")).status_code == 200


async def test_a_substitute_is_told_what_somebody_absent_is_asked(author: httpx.AsyncClient, deal: Deal) -> None:
    deal.around = {"substitutes": {SAM: WES}}
    await begin(author, deal, DISCOUNT | {"voters": ["sam"], "reminders": [{"when": "after", "hours": 2}]})
    assert await notified(deal) == [WES]
    deal.engine.watch.later(hours=2)
    await deal.engine.advance(deal.tenant)
    assert await notified(deal) == [WES, WES]
