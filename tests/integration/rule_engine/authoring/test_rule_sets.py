"""Rule sets through the API: drafts, publishing, versions, and what is refused."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from contracts.contexts import StageContext, TenantSchema
from contracts.kit.clock import new_id
from contracts.kit.database import Database
from integration.rule_engine.authoring.conftest import Tenants
from rule_engine.rules import REGISTRY
from rule_engine.store.rule_sets import RuleSets
from support.entity import EntityStandIn
from support.shop import FURNITURE_SHOP, SCHEMA, WAREHOUSE, rule, rule_set
from support.waiting import eventually

URL = "/v1/rule-sets/sales"
GREETING = rule_set(new=[rule("greet", "send_sms", text="Hello {{ contact.first_name }}")])
FAULTY = rule_set(new=[rule("greet", "send_sms", text="Hello {{ contact.frist_name }}")])
ISSUE = {
    "where": "stages.new.rules[0].params.text",
    "rule": "greet",
    "what": "there is no name 'frist_name' in contact: did you mean 'first_name'?",
}


def renamed(document: dict[str, Any], name: str) -> dict[str, Any]:
    return document | {"name": name}


async def put(author: httpx.AsyncClient, document: dict[str, Any], code: str = "sales", **more: bool) -> dict[str, Any]:
    answer = await author.put(f"/v1/rule-sets/{code}", json=document | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def numbers(author: httpx.AsyncClient) -> list[tuple[int, str]]:
    answer = await author.get(f"{URL}/versions")
    return [(one["version"], one["status"]) for one in answer.json()["items"]]


async def test_the_furniture_shop_is_published_and_planned_from(
    author: httpx.AsyncClient, tenant: UUID, database: Database
) -> None:
    seen = await put(author, FURNITURE_SHOP, publish=True)
    assert (seen["version"], seen["status"], seen["newest"], seen["draft"]) == (1, "published", 1, None)
    store, pair = RuleSets(), (tenant, "sales")
    async with database.transaction(tenant) as tx:
        assert await store.newest_published(tx, [pair, (tenant, "leads")]) == {pair: ("sales", 1)}
        programs = await store.programs(tx, tenant, "sales", 1)
    assert {stage: len(chains) for stage, chains in programs.items()} == {
        "new": 2,
        "documents": 1,
        "prepayment": 1,
        "won": 2,
    }
    assert programs["prepayment"][0].rules()[0].params["assignee"] == str(WAREHOUSE.id)


async def test_a_draft_is_written_over_until_it_is_published(author: httpx.AsyncClient) -> None:
    first = await put(author, GREETING)
    second = await put(author, renamed(GREETING, "Greetings"))
    assert [(one["version"], one["status"], one["name"]) for one in (first, second)] == [
        (1, "draft", ""),
        (1, "draft", "Greetings"),
    ]
    published = await author.post(f"{URL}/publish")
    assert (published.json()["version"], published.json()["status"]) == (1, "published")
    assert (await put(author, FURNITURE_SHOP))["version"] == 2
    assert await numbers(author) == [(2, "draft"), (1, "published")]


async def test_a_draft_may_have_issues_which_are_told(author: httpx.AsyncClient) -> None:
    seen = await put(author, FAULTY)
    assert (seen["issues"], seen["warnings"]) == ([ISSUE], [])


async def test_publishing_with_issues_tells_them_and_changes_nothing(author: httpx.AsyncClient) -> None:
    before = await put(author, GREETING, publish=True)
    answer = await author.put(URL, json=renamed(FAULTY, "New name") | {"publish": True, "archived": True})
    assert (answer.status_code, answer.json()["errors"]) == (422, [ISSUE])
    assert (await author.get(URL)).json() == before


async def test_publishing_a_invalid_draft_tells_its_issues_and_leaves_it_a_draft(author: httpx.AsyncClient) -> None:
    await put(author, FAULTY)
    answer = await author.post(f"{URL}/publish")
    assert (answer.status_code, answer.json()["errors"]) == (422, [ISSUE])
    assert await numbers(author) == [(1, "draft")]


async def test_publishing_the_same_again_makes_no_new_version(author: httpx.AsyncClient) -> None:
    first = await put(author, FURNITURE_SHOP, publish=True)
    assert await put(author, FURNITURE_SHOP, publish=True) == first
    assert (await author.post(f"{URL}/publish")).json() == first
    assert await put(author, FURNITURE_SHOP) == first
    assert await numbers(author) == [(1, "published")]


async def test_saving_what_is_published_takes_the_draft_back(author: httpx.AsyncClient) -> None:
    await put(author, GREETING, publish=True)
    await put(author, FURNITURE_SHOP)
    assert (await put(author, GREETING))["draft"] is None
    assert await numbers(author) == [(1, "published")]


async def test_a_difference_that_only_json_sees_makes_a_new_version(author: httpx.AsyncClient) -> None:
    for value in (1, True):
        document = rule_set(new=[rule("it", "calculate", values=[{"name": "n", "value": value}])])
        await put(author, document, publish=True)
    assert await numbers(author) == [(2, "published"), (1, "published")]


async def test_publishing_again_takes_in_what_the_tenant_has_changed(
    author: httpx.AsyncClient, entity: EntityStandIn
) -> None:
    await put(author, FURNITURE_SHOP, publish=True)
    someone = WAREHOUSE.model_copy(update={"id": UUID(int=99)})
    entity.schema = SCHEMA.model_copy(update={"employees": (someone,)})
    assert (await author.post(f"{URL}/publish")).json()["version"] == 2


async def test_rules_that_name_an_archived_employee_are_listed_and_not_published_again(
    author: httpx.AsyncClient, entity: EntityStandIn
) -> None:
    task = rule("pack", "create_task", name="Pack", assignee="warehouse", participants=["sam", "warehouse"])
    condition = {"path": "item.responsible_id", "op": "eq", "value": "warehouse"}
    document = rule_set(new=[rule("greet", "send_sms", text="Hi", condition=condition), task])
    await put(author, document, publish=True)
    others = tuple(one for one in SCHEMA.employees if one != WAREHOUSE)
    entity.schema = SCHEMA.model_copy(update={"employees": others, "archived_employees": (WAREHOUSE,)})

    named = (await author.get(f"/v1/employees/{WAREHOUSE.id}/rules")).json()["items"]
    again = await author.post(f"{URL}/publish")

    assert [(one["stage"], one["rule"], one["where"]) for one in named] == [
        ("new", "greet", "condition.value"),
        ("new", "pack", "params.assignee"),
        ("new", "pack", "params.participants[1]"),
    ]
    assert {one["rule_set"] for one in named} == {URL.rpartition("/")[2]}
    assert again.status_code == 422
    assert [(one["where"], one["what"]) for one in again.json()["errors"]] == [
        ("stages.new.rules[1].params.assignee", "employee 'warehouse' is archived: name another one"),
        ("stages.new.rules[1].params.participants[1]", "employee 'warehouse' is archived: name another one"),
    ]
    assert (await author.get(f"/v1/employees/{UUID(int=98)}/rules")).json()["items"] == []


async def test_old_versions_stay_readable_as_they_were(author: httpx.AsyncClient) -> None:
    await put(author, GREETING, publish=True)
    await put(author, FURNITURE_SHOP, publish=True)
    await put(author, rule_set(new=[]))
    seen = {
        version: (await author.get(URL, params={"version": version})).json()["document"]["stages"].keys()
        for version in ("1", "2", "newest", "draft")
    }
    assert seen["1"] == {"new"}
    assert seen["2"] == seen["newest"] == FURNITURE_SHOP["stages"].keys()
    assert (await author.get(URL)).json()["status"] == "draft"
    for missing in ("7", "0", "99999999999999999999"):
        assert (await author.get(URL, params={"version": missing})).status_code == 404
    assert (await author.get(URL, params={"version": "first"})).status_code == 422


async def test_a_published_version_cannot_be_changed_even_by_sql(
    author: httpx.AsyncClient, tenant: UUID, database: Database
) -> None:
    await put(author, GREETING, publish=True)
    for statement in ("UPDATE rule_set_versions SET document = '{}'", "DELETE FROM rule_set_versions"):
        with pytest.raises(asyncpg.RaiseError, match="never changes"):
            async with database.transaction(tenant) as tx:
                await tx.execute(statement)


async def test_rules_keep_their_ids_over_versions(author: httpx.AsyncClient) -> None:
    first = (await put(author, GREETING, publish=True))["document"]["stages"]["new"]["rules"][0]
    changed = rule_set(new=[rule("welcome", "send_sms", text="Hi", id=first["id"])])
    second = (await put(author, changed, publish=True))["document"]["stages"]["new"]["rules"][0]
    assert (second["id"], second["name"]) == (first["id"], "welcome")


async def test_what_is_read_can_be_sent_back(author: httpx.AsyncClient) -> None:
    condition = {"not": {"any": [{"path": "item.title", "op": "empty"}]}}
    document = rule_set(new=[rule("it", "send_sms", text="Hi", condition=condition)])
    first = await put(author, document, publish=True)
    assert (await put(author, first["document"], publish=True))["version"] == 1


async def test_a_pipeline_has_one_rule_set_until_that_is_archived(
    author: httpx.AsyncClient, tenant: UUID, database: Database
) -> None:
    await put(author, GREETING, publish=True)
    answer = await author.put("/v1/rule-sets/other", json=GREETING)
    assert answer.status_code == 409
    assert "archive" in answer.json()["detail"]
    assert (await author.get("/v1/rule-sets/other")).status_code == 404
    await put(author, GREETING, archived=True)
    await put(author, GREETING, code="other", publish=True)
    async with database.transaction(tenant) as tx:
        found = await RuleSets().newest_published(tx, [(tenant, "sales")])
    assert found == {(tenant, "sales"): ("other", 1)}
    assert (await author.put(URL, json=GREETING)).status_code == 409


async def test_a_rule_set_stays_with_its_pipeline(author: httpx.AsyncClient) -> None:
    await put(author, GREETING, publish=True)
    answer = await author.put(URL, json=rule_set("installation", planned=[]))
    assert answer.status_code == 409
    assert (await author.get(URL)).json()["pipeline"] == "sales"


async def test_rule_sets_are_listed_page_by_page(author: httpx.AsyncClient) -> None:
    for code, pipeline in (("c", "sales"), ("a", "leads"), ("b", "bills")):
        await put(author, rule_set(pipeline), code=code)
    first = (await author.get("/v1/rule-sets", params={"limit": 2})).json()
    second = (await author.get("/v1/rule-sets", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["code"] for one in first["items"] + second["items"]] == ["a", "b", "c"]
    assert second["next_cursor"] is None
    assert (await author.get("/v1/rule-sets", params={"cursor": "nonsense"})).status_code == 400


async def test_versions_are_listed_page_by_page(author: httpx.AsyncClient) -> None:
    for name in ("one", "two", "three"):
        await put(author, renamed(GREETING, name), publish=True)
    first = (await author.get(f"{URL}/versions", params={"limit": 2})).json()
    second = (await author.get(f"{URL}/versions", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["version"] for one in first["items"] + second["items"]] == [3, 2, 1]
    assert second["next_cursor"] is None
    assert (await author.get("/v1/rule-sets/nothing/versions")).status_code == 404


async def test_two_authors_at_once_make_one_draft(author: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(author.put(URL, json=renamed(GREETING, str(number))) for number in range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert await numbers(author) == [(1, "draft")]


async def test_a_draft_that_changes_while_it_is_checked_is_not_published(
    author: httpx.AsyncClient, entity: EntityStandIn
) -> None:
    await put(author, GREETING)
    entity.meanwhile = lambda: put(author, FURNITURE_SHOP)
    answer = await author.post(f"{URL}/publish")
    assert answer.status_code == 409
    assert await numbers(author) == [(1, "draft")]


async def test_two_rule_sets_at_once_for_one_pipeline_leave_one(author: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(author.put(f"/v1/rule-sets/set-{number}", json=GREETING | {"publish": True}) for number in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_without_entity_service_nothing_is_saved_or_published(
    author: httpx.AsyncClient, entity: EntityStandIn
) -> None:
    await put(author, GREETING)
    entity.away = True
    assert (await author.put(URL, json=FURNITURE_SHOP)).status_code == 503
    assert (await author.post(f"{URL}/publish")).status_code == 503
    assert await numbers(author) == [(1, "draft")]
    assert (await author.get(URL)).json()["document"]["stages"].keys() == {"new"}


async def test_nothing_is_published_where_there_is_nothing(author: httpx.AsyncClient) -> None:
    assert (await author.post(f"{URL}/publish")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        GREETING | {"colour": "red"},
        GREETING | {"name": "\x00"},
        rule_set(new=[rule("it", "send_sms", text="a\x00b")]),
        rule_set(new=[rule("it", "send_sms", text={"const": ["\x00"]})]),
        rule_set(new=[rule("It", "send_sms")]),
        rule_set(new=[rule("it", "send_sms", run={"when": "after"})]),
        rule_set(new=[rule("it", "send_sms", condition={"path": "item.title", "op": "in", "value": 1})]),
        rule_set(new=[rule("it", "update_item", fields=[{"field": "title", "value": 10**30}])]),
        {"pipeline": "Sales!", "stages": {}},
        {"pipeline": "sales", "stages": {"NEW": {"rules": []}}},
        [],
    ],
)
async def test_a_body_of_another_shape_is_refused(author: httpx.AsyncClient, body: Any) -> None:
    answer = await author.put(URL, json=body)
    assert answer.status_code == 422, answer.text
    assert (await author.get(URL)).status_code == 404


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b'{"pipeline": "sales", "stages": {}, "name": NaN}',
        b'{"pipeline": "sales", "stages": {"new": {"rules": [{"name": "it", "type": "x", "params": {"a": NaN}}]}}}',
        rb'{"pipeline": "sales", "stages": {}, "name": "\ud800"}',
        b'{"pipeline": "sales", "stages": {"new": {"rules": [{"name": "it", "type": "x", "params": {"a": '
        + b"[" * 5000
        + b"]" * 5000
        + b"}}]}}}",
        b'{"pipeline": "sales", "stages": {"new": {"rules": [{"name": "it", "type": "x", "condition": '
        + b'{"not": ' * 3000
        + b'{"path": "a", "op": "empty"}'
        + b"}" * 3000
        + b"}]}}}",
    ],
    ids=["cut", "nan", "nested nan", "half a character", "nested values", "nested conditions"],
)
async def test_hostile_json_is_refused(author: httpx.AsyncClient, raw: bytes) -> None:
    answer = await author.put(URL, content=raw, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text


async def test_a_text_may_speak_of_null_characters(author: httpx.AsyncClient) -> None:
    document = rule_set(new=[rule("it", "send_sms", text="a \\u0000 is written like this")])
    assert (await put(author, document, publish=True))["status"] == "published"


async def test_only_authors_write_and_nobody_sees_another_tenants_rules(call: Tenants, tenant: UUID) -> None:
    await put(call(tenant), GREETING, publish=True)
    agent, viewer, stranger = call(tenant, "agent"), call(tenant, "viewer"), call(new_id(), "admin")
    assert (await agent.put(URL, json=GREETING)).status_code == 403
    assert (await agent.post(f"{URL}/publish")).status_code == 403
    assert (await viewer.get(URL)).status_code == 200
    for path in (URL, f"{URL}/versions"):
        assert (await stranger.get(path)).status_code == 404
    assert (await stranger.get("/v1/rule-sets")).json()["items"] == []
    assert (await stranger.post(f"{URL}/publish")).status_code == 404
    nobody = httpx.AsyncClient(transport=viewer._transport, base_url="http://engine")
    assert (await nobody.get(URL)).status_code == 401


async def test_who_rolls_back_and_who_publishes_do_not_wait_for_each_other(
    author: httpx.AsyncClient, tenant: UUID, database: Database
) -> None:
    await put(author, GREETING, publish=True)
    store = RuleSets()
    async with database.transaction(tenant) as tx:
        await store.lock(tx, (tenant, "sales"))  # as one who publishes at this moment
        rolling_back = asyncio.create_task(author.post(f"{URL}/rollback", json={"version": 1}))

        async def waits() -> bool:
            return bool(await tx.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

        await eventually(waits, "the one who rolls back to wait")
        await store.lock_publishing(tx, tenant)
    assert (await rolling_back).is_success


async def test_rule_types_are_listed_with_their_schemas(call: Tenants, tenant: UUID) -> None:
    listed = await call(tenant, "viewer").get("/v1/rule-types", params={"limit": 200})
    items = {one["type"]: one for one in listed.json()["items"]}
    assert set(items) == set(REGISTRY)
    assert items["send_sms"]["params"]["required"] == ["text"]
    assert items["create_task"]["params"]["properties"]["participants"]["items"]["refers"] == "employee"
    assert set(items["create_document"]["outputs"]["properties"]) == {"document_id", "number", "pdf", "public_link"}
    assert items["copy_deal"]["kinds"] == ["deal"]


async def test_a_stage_that_is_renamed_is_named_so_when_published_again(
    author: httpx.AsyncClient, entity: EntityStandIn, tenant: UUID, database: Database
) -> None:
    await put(author, GREETING, publish=True)
    entity.schema = _with_stage_name(SCHEMA, "new", "Fresh")
    assert (await put(author, GREETING, publish=True))["version"] == 2
    async with database.transaction(tenant) as tx:
        (program,) = (await RuleSets().programs(tx, tenant, "sales", 2))["new"]
    assert program.stage_name == "Fresh"


def _with_stage_name(schema: TenantSchema, code: str, name: str) -> TenantSchema:
    def stage(one: StageContext) -> StageContext:
        return one.model_copy(update={"name": name}) if one.code == code else one

    pipelines = tuple(
        one.model_copy(update={"stages": tuple(stage(at) for at in one.stages)}) for one in schema.pipelines
    )
    return schema.model_copy(update={"pipelines": pipelines})
