"""What workflows ask employees, through the API on a real PostgreSQL: inbox, answers, delegation, what operators do."""

import asyncio

import httpx
import orjson

from contracts.kit.clock import new_id
from contracts.messages.rule_events import AssignmentChanged
from contracts.topics import RULE_EVENTS, item_key
from integration.rule_engine.authoring.conftest import Tenants
from integration.rule_engine.authoring.engine import Deal
from integration.rule_engine.authoring.inboxes import DISCOUNT, SAM, WES, act, begin, inbox, notified, row, run_of


async def test_an_approval_from_the_inbox_to_the_journal(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, wes: httpx.AsyncClient, deal: Deal
) -> None:
    await begin(author, deal, DISCOUNT)
    (mine,), (his,) = await inbox(sam), await inbox(wes)
    assert (mine["subject"], mine["text"], mine["choices"]) == (
        "A discount for Oak table",
        "10 % on everything",
        ["approve", "reject"],
    )
    assert (mine["assignee"], mine["state"], mine["version"]) == (str(SAM), "open", 1)
    assert (mine["item_id"], mine["workflow"], mine["block"]) == (str(deal.id), "asking", "discount")
    answer = await act(sam, mine, choice="approve", comment="fine")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert answer.json()["answer"] == {"choice": "approve", "comment": "fine", "values": {}, "by": str(SAM)}
    assert await inbox(sam) == []
    waiting = row(await run_of(author, deal), "discount")
    assert (waiting["state"], waiting["reason"]) == ("waiting", "1 of 2 have answered")
    assert (await act(wes, his, choice="approve")).status_code == 200
    run = await run_of(author, deal)
    assert (run["outcome"], row(run, "yes")["reason"]) == ("done", "granted")
    done = row(run, "discount")
    assert (done["state"], done["reason"]) == ("done", "2 of 2 approved, 2 needed")
    assert [(one["employee"], one["approved"]) for one in done["outputs"]["votes"]] == [
        (str(SAM), True),
        (str(WES), True),
    ]
    assert done["outputs"]["comments"] == [{"employee": str(SAM), "comment": "fine"}]


async def test_a_rejection_withdraws_what_is_open_and_nothing_is_answered_twice(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, wes: httpx.AsyncClient, deal: Deal
) -> None:
    await begin(author, deal, DISCOUNT)
    (mine,), (his,) = await inbox(sam), await inbox(wes)
    silent = await act(sam, mine, choice="reject")
    assert (silent.status_code, silent.json()["errors"]) == (
        422,
        [{"where": "comment", "what": "is required: say why"}],
    )
    assert (await act(sam, mine, choice="reject", comment="too much")).status_code == 200
    again = await act(sam, mine, choice="approve")
    assert (again.status_code, again.json()["detail"]) == (409, "the assignment is answered: it is not open any more")
    run = await run_of(author, deal)
    assert (row(run, "discount")["reason"], row(run, "no")["state"]) == ("0 of 2 approved, 2 needed", "done")
    late = await act(wes, his, choice="approve")
    assert (late.status_code, late.json()["detail"]) == (409, "the assignment is withdrawn: it is not open any more")
    assert [one["state"] for one in await inbox(wes, state="withdrawn")] == ["withdrawn"]


async def test_two_answers_at_once_are_one(author: httpx.AsyncClient, sam: httpx.AsyncClient, deal: Deal) -> None:
    await begin(author, deal, DISCOUNT)
    (mine,) = await inbox(sam)
    answers = await asyncio.gather(*(act(sam, mine, choice="approve") for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert row(await run_of(author, deal), "discount")["reason"] == "1 of 2 have answered"


async def test_answers_name_the_version_that_was_read(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, deal: Deal
) -> None:
    await begin(author, deal, DISCOUNT)
    (mine,) = await inbox(sam)
    read = await sam.get(f"/v1/assignments/{mine['id']}")
    assert (read.headers["etag"], read.json()) == ('"1"', mine)
    path, body = f"/v1/assignments/{mine['id']}/answer", {"choice": "approve"}
    assert (await sam.post(path, json=body)).status_code == 428
    stale = await sam.post(path, json=body, headers={"if-match": '"7"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"1"')
    assert (await sam.post(path, json=body, headers={"if-match": "*"})).status_code == 200


async def test_what_others_are_asked_is_hidden_from_all_but_operators(
    author: httpx.AsyncClient,
    sam: httpx.AsyncClient,
    wes: httpx.AsyncClient,
    operator: httpx.AsyncClient,
    call: Tenants,
    deal: Deal,
) -> None:
    await begin(author, deal, DISCOUNT)
    (mine,) = await inbox(sam)
    assert (await wes.get(f"/v1/assignments/{mine['id']}")).status_code == 404
    assert (await act(wes, mine, choice="approve")).status_code == 404
    assert (await act(wes, mine, "delegate", to="nobody")).status_code == 404
    stranger = call(new_id(), "admin", sub=str(SAM))
    assert (await stranger.get(f"/v1/assignments/{mine['id']}")).status_code == 404
    assert (await wes.get("/v1/assignments", params={"assignee": str(SAM)})).status_code == 403
    assert (await wes.get("/v1/assignments", params={"everybody": True})).status_code == 403
    assert (await author.get("/v1/assignments")).status_code == 403
    assert await inbox(operator, assignee=str(SAM)) == [mine]
    assert len(await inbox(operator, everybody=True, workflow="asking")) == 2
    assert await inbox(operator, everybody=True, item_id=str(new_id())) == []
    first = (await operator.get("/v1/assignments", params={"everybody": True, "limit": 1})).json()
    rest = await inbox(operator, everybody=True, cursor=first["next_cursor"])
    assert len({one["id"] for one in [*first["items"], *rest]}) == 2


async def test_an_operator_answers_for_somebody_and_that_is_recorded(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    await begin(author, deal, DISCOUNT | {"quorum": "any"})
    (mine,) = await inbox(sam)
    answer = await act(operator, mine, choice="approve", comment="by phone")
    assert (answer.json()["assignee"], answer.json()["answer"]["by"]) == (str(SAM), "olga")
    run = await run_of(author, deal)
    (vote,) = row(run, "discount")["outputs"]["votes"]
    assert (vote["employee"], vote["by"]) == (str(SAM), "olga")
    (noted,) = run["operator_actions"]
    assert (noted["subject"], noted["action"]) == ("olga", f"answer discount for employee {SAM}")


async def told(deal: Deal) -> list[tuple[str, str, str | None, str | None]]:
    """The events about assignments, in the order in which they were written: change, assignee, choice, by."""
    async with deal.engine.database.delivery() as tx:
        rows = await tx.fetch(
            "SELECT value, headers FROM outbox WHERE topic = $1 AND key = $2 ORDER BY id",
            RULE_EVENTS.name,
            item_key(deal.tenant, deal.id),
        )
    said = [orjson.loads(row["value"]) for row in rows if AssignmentChanged.TYPE in str(row["headers"])]
    return [(one["change"], one["assignee"], one["choice"], one["by"]) for one in said]


async def test_others_are_told_what_becomes_of_assignments(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, wes: httpx.AsyncClient, deal: Deal
) -> None:
    reminded = DISCOUNT | {"quorum": "any", "delegation": True, "reminders": [{"when": "after", "hours": 2}]}
    await begin(author, deal, reminded | {"voters": ["sam"]})
    deal.engine.watch.later(hours=2)
    await deal.engine.advance(deal.tenant)
    (mine,) = await inbox(sam)
    await act(sam, mine, "delegate", to="warehouse")
    (his,) = await inbox(wes)
    await act(wes, his, choice="approve")
    assert await told(deal) == [
        ("given", str(SAM), None, None),
        ("reminded", str(SAM), None, None),
        ("delegated", str(WES), None, str(SAM)),
        ("answered", str(WES), "approve", str(WES)),
    ]


async def test_what_is_withdrawn_is_told_too(author: httpx.AsyncClient, sam: httpx.AsyncClient, deal: Deal) -> None:
    await begin(author, deal, DISCOUNT | {"quorum": "any"})
    (mine,) = await inbox(sam)
    await act(sam, mine, choice="approve")
    await run_of(author, deal)
    assert sorted(await told(deal))[-1] == ("withdrawn", str(WES), None, None)


async def test_open_assignments_are_counted_across_tenants(author: httpx.AsyncClient, deal: Deal) -> None:
    async with deal.engine.database.delivery() as tx:
        before, _ = await deal.engine.store.assignments.open_of_all(tx)
    await begin(author, deal, DISCOUNT)
    async with deal.engine.database.delivery() as tx:
        after, oldest = await deal.engine.store.assignments.open_of_all(tx)
    assert after == before + 2
    assert oldest is not None
    assert oldest <= deal.engine.watch()


async def test_a_colleague_takes_over_where_that_is_allowed(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, wes: httpx.AsyncClient, deal: Deal
) -> None:
    await begin(author, deal, DISCOUNT | {"voters": ["sam"], "delegation": True})
    (mine,) = await inbox(sam)
    unknown = await act(sam, mine, "delegate", to="wess")
    assert (unknown.status_code, unknown.json()["errors"][0]["where"]) == (422, "to")
    assert (await act(sam, mine, "delegate", to="sam")).status_code == 409
    passed = await act(sam, mine, "delegate", to="warehouse")
    assert (passed.json()["asked"], passed.json()["assignee"]) == (str(SAM), str(WES))
    assert await inbox(sam) == []
    (his,) = await inbox(wes)
    gone = await act(sam, his, choice="approve")
    assert (gone.status_code, gone.json()["detail"]) == (
        409,
        "the assignment was passed on: somebody else answers it now",
    )
    assert (await act(wes, mine, choice="approve")).status_code == 412
    assert (await act(wes, his, choice="approve")).status_code == 200
    run = await run_of(author, deal)
    assert [one["employee"] for one in row(run, "discount")["outputs"]["votes"]] == [str(WES)]
    assert [one["action"] for one in run["operator_actions"]] == [f"pass discount on from employee {SAM} to {WES}"]
    assert await notified(deal) == [SAM, WES]


async def test_only_operators_pass_on_what_the_workflow_keeps_with_those_it_asks(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    await begin(author, deal, DISCOUNT | {"voters": ["sam"]})
    (mine,) = await inbox(sam)
    assert (await act(sam, mine, "delegate", to="warehouse")).status_code == 409
    assert (await act(operator, mine, "delegate", to="warehouse")).status_code == 200


async def test_those_who_are_asked_are_told_and_reminded(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, deal: Deal
) -> None:
    reminders = [{"when": "after", "days": 1}]
    await begin(author, deal, DISCOUNT | {"reminders": reminders})
    assert await notified(deal) == [SAM, WES]
    (mine,) = await inbox(sam)
    await act(sam, mine, choice="approve")
    await deal.engine.advance(deal.tenant)
    deal.engine.watch.later(days=1)
    await deal.engine.advance(deal.tenant)
    assert await notified(deal) == [SAM, WES, WES]
    deal.engine.watch.later(days=1)
    run = await run_of(author, deal)
    assert row(run, "discount")["reason"] == "1 of 2 approved, 2 needed; the time was over"


async def test_an_operator_moves_the_limit_and_the_inbox_shows_it(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    await begin(author, deal, DISCOUNT)
    run = await run_of(author, deal)
    until = deal.engine.watch().replace(hour=20)
    path = f"/v1/runs/{run['id']}/blocks/{row(run, 'discount')['step']}/move"
    assert (await operator.post(path, json={"until": until.isoformat()})).status_code == 200
    (mine,) = await inbox(sam)
    assert (mine["due_at"], mine["version"]) == (until.isoformat().replace("+00:00", "Z"), 2)


async def test_a_form_is_filled_in_and_its_values_are_used(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, deal: Deal
) -> None:
    request = {
        "block": "request_information",
        "name": "budget",
        "subject": "What may it cost?",
        "assignees": ["sam"],
        "fields": {"amount": {"type": "int", "required": True, "name": "Amount"}},
    }
    used = {"block": "log", "name": "said", "text": "at most {{ steps.budget.values.amount }}"}
    await begin(author, deal, request, used)
    (mine,) = await inbox(sam)
    assert (mine["choices"], mine["fields"]["amount"]["name"]) == (["provide"], "Amount")
    wrong = await act(sam, mine, choice="provide", values={"amount": "much"})
    assert (wrong.status_code, wrong.json()["errors"]) == (
        422,
        [{"where": "values.amount", "what": "takes a whole number"}],
    )
    assert (await act(sam, mine, choice="provide", values={"amount": "700"})).status_code == 200
    assert row(await run_of(author, deal), "said")["reason"] == "at most 700"


async def test_an_employee_is_found_wherever_workflows_name_them(author: httpx.AsyncClient, deal: Deal) -> None:
    told = {
        "block": "action",
        "name": "tell",
        "type": "notify_supervisor",
        "params": {"text": "!", "recipients": ["sam"]},
    }
    await begin(author, deal, DISCOUNT, told)
    named = (await author.get(f"/v1/employees/{SAM}/workflows")).json()["items"]
    assert named == [
        {"workflow": "asking", "block": "discount", "where": "voters[0]"},
        {"workflow": "asking", "block": "tell", "where": "params.recipients[0]"},
    ]
    assert (await author.get(f"/v1/employees/{new_id()}/workflows")).json()["items"] == []


async def test_what_is_left_is_withdrawn_when_the_workflow_is_ended(
    author: httpx.AsyncClient, sam: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    await begin(author, deal, DISCOUNT)
    (mine,) = await inbox(sam)
    run = await run_of(author, deal)
    assert (await operator.post(f"/v1/runs/{run['id']}/terminate", json={"reason": "sold"})).status_code == 200
    assert (await inbox(sam), (await act(sam, mine, choice="approve")).status_code) == ([], 409)
