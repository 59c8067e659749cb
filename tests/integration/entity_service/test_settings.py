"""What a tenant is set up with, its people and its clients."""

from urllib.parse import quote
from uuid import UUID

from contracts.messages.entity_commands import CreateItem
from contracts.messages.party_commands import AddToExceptions, ChangeRequisites
from contracts.values import PersonInput
from integration.entity_service.harness import Harness, Tenant, contexts


async def test_a_tenant_has_settings_that_are_checked(shop: Tenant) -> None:
    body = {"name": "Shop", "time_zone": "Europe/Vienna"}

    put = await shop.put("/v1/tenant", body)
    wrong = await shop.ask("PUT", "/v1/tenant", {**body, "time_zone": "Europe/Atlantis"})

    assert put == await shop.get("/v1/tenant")
    assert (put["id"], put["currency"]) == (str(shop.id), "EUR")
    assert wrong.status_code == 422
    assert "IANA" in wrong.json()["errors"][0]["what"]


async def test_a_tenant_says_where_its_items_are_opened(shop: Tenant) -> None:
    put = await shop.put("/v1/tenant", {"name": "Shop", "crm_url": "https://shop.example/crm/"})
    assert put["crm_url"] == (await shop.get("/v1/tenant"))["crm_url"] == "https://shop.example/crm"
    for url in ("javascript:alert(1)", "//shop.example", "https://shop.example/?x=1", "shop.example"):
        wrong = await shop.ask("PUT", "/v1/tenant", {"name": "Shop", "crm_url": url})
        assert (wrong.status_code, wrong.json()["errors"][0]["where"]) == (422, "crm_url")


async def test_a_stage_that_holds_items_cannot_be_dropped(shop: Tenant) -> None:
    await shop.deal(stage="offer")
    body = {"name": "Sales", "kind": "deal", "stages": [{"code": "new", "name": "New"}]}

    answer = await shop.ask("PUT", "/v1/pipelines/sales", body)

    assert answer.status_code == 409
    assert answer.json()["detail"] == "these stages still hold items; move the items first: offer (1)"
    assert len((await shop.get("/v1/pipelines/sales"))["stages"]) == 5


async def test_a_pipeline_is_replaced_with_its_stages_in_a_new_order(shop: Tenant) -> None:
    stages = [{"code": "won", "name": "Paid", "outcome": "won"}, {"code": "new", "name": "New"}]

    await shop.put("/v1/pipelines/sales", {"name": "Sales", "kind": "deal", "stages": stages, "archived": True})

    read = await shop.get("/v1/pipelines/sales")
    assert [(stage["code"], stage["name"], stage["position"]) for stage in read["stages"]] == [
        ("won", "Paid", 0),
        ("new", "New", 1),
    ]
    assert read["archived"]
    answer = await shop.ask("POST", "/v1/items", {"kind": "deal", "title": "x", "pipeline": "sales"})
    assert "archived" in answer.json()["errors"][0]["what"]


async def test_a_field_keeps_its_type(shop: Tenant) -> None:
    await shop.put("/v1/fields/deal/size", {"name": "Size", "type": "list", "options": ["small", "large"]})

    changed = await shop.ask("PUT", "/v1/fields/deal/size", {"name": "Size", "type": "text"})
    archived = await shop.put(
        "/v1/fields/deal/size", {"name": "Size", "type": "list", "options": ["small"], "archived": True}
    )

    assert changed.status_code == 409
    assert (await shop.get("/v1/fields?kind=deal"))["items"] == [archived]
    answer = await shop.ask("POST", "/v1/items", {"kind": "deal", "title": "x", "fields": {"size": "small"}})
    assert answer.status_code == 422


async def test_a_type_of_ones_own_has_pipelines_fields_and_items_and_stays_while_they_do(shop: Tenant) -> None:
    stages = [{"code": "planned", "name": "Planned"}]
    pipeline = {"name": "Projects", "kind": "project", "stages": stages}
    field = {"name": "Place", "type": "text"}
    for path, body in (("/v1/pipelines/projects", pipeline), ("/v1/fields/project/place", field)):
        unknown = await shop.ask("PUT", path, body)
        assert (unknown.status_code, unknown.json()["errors"][0]["what"]) == (
            422,
            "there is no item type 'project': there are deal, invoice, lead, quote",
        )
    spec = {"title": {"en": "Project", "de": "Projekt"}, "has_products": False}

    put = await shop.put("/v1/item-types/project", spec)
    await shop.put("/v1/pipelines/projects", pipeline)
    await shop.put("/v1/fields/project/place", field)
    item = await shop.post("/v1/items", {"kind": "project", "title": "A house", "fields": {"place": "here"}})

    assert put == await shop.get("/v1/item-types/project") == (await shop.get("/v1/item-types"))["items"][0]
    assert (item["kind"], item["pipeline"], item["fields"]) == ("project", "projects", {"place": "here"})
    rows = await shop.ask("PUT", f"/v1/items/{item['id']}/products", {"rows": [{"name": "Table", "price": 1}]})
    assert rows.json()["errors"] == [{"where": "rows", "what": "items of type 'project' have no products"}]
    archived = await shop.ask("PUT", "/v1/item-types/project", spec | {"archived": True})
    assert archived.status_code == 409
    assert "in use by the pipeline 'projects', 1 item:" in archived.json()["detail"]
    built_in = await shop.ask("PUT", "/v1/item-types/deal", spec)
    assert (built_in.status_code, "'deal' is built in" in built_in.json()["detail"]) == (409, True)


async def test_a_type_that_nothing_uses_any_more_is_archived_and_takes_nothing_new(shop: Tenant) -> None:
    spec = {"title": {"en": "Project"}}
    pipeline = {"name": "Projects", "kind": "project", "stages": [{"code": "new", "name": "New"}]}
    await shop.put("/v1/item-types/project", spec)
    await shop.put("/v1/pipelines/projects", pipeline)
    await shop.put("/v1/pipelines/projects", pipeline | {"archived": True})

    await shop.put("/v1/item-types/project", spec | {"archived": True})

    for path, body in (("/v1/pipelines/projects", pipeline), ("/v1/fields/project/x", {"name": "X", "type": "text"})):
        answer = await shop.ask("PUT", path, body)
        assert (answer.status_code, answer.json()["detail"]) == (409, "item type 'project' is archived")


async def test_rows_of_a_list_are_added_changed_read_page_by_page_and_deleted(shop: Tenant) -> None:
    field = {"code": "months", "name": "Months", "type": "number"}
    put = await shop.put("/v1/lists/warranties", {"title": "Warranties", "fields": [field]})
    path = "/v1/lists/warranties/rows"

    rows = [await shop.post(path, {"values": {"months": number}}) for number in (12, 24, 36)]
    wrong = await shop.ask("POST", path, {"values": {"months": "a year"}})
    changed = await shop.patch(f"{path}/{rows[0]['id']}", {"values": {"months": 48}})
    gone = await shop.ask("DELETE", f"{path}/{rows[1]['id']}")
    first = await shop.get(f"{path}?limit=1")
    second = await shop.get(f"{path}?limit=1&cursor={first['next_cursor']}")

    assert put == await shop.get("/v1/lists/warranties") == (await shop.get("/v1/lists"))["items"][0]
    assert wrong.json()["errors"] == [{"where": "values.months", "what": "is a number"}]
    assert (changed["values"], changed["version"]) == ({"months": 48}, 2)
    assert changed == await shop.get(f"{path}/{changed['id']}")
    assert [one["values"]["months"] for one in (*first["items"], *second["items"])] == [36, 48]
    assert (gone.status_code, second["next_cursor"]) == (204, None)
    assert (await shop.ask("GET", f"{path}/{rows[1]['id']}")).status_code == 404
    await shop.may_have("list_rows", 2)
    full = await shop.ask("POST", path, {"values": {"months": 1}})
    assert (full.status_code, "rows of all lists" in full.text) == (409, True)


async def test_an_employee_keeps_the_id_and_departments_stay_a_tree(shop: Tenant) -> None:
    await shop.put("/v1/departments/all", {"name": "All", "head": "boss"})
    await shop.put("/v1/departments/sales", {"name": "Sales", "parent": "all"})
    boss = await shop.put("/v1/employees/boss", {"first_name": "Bo", "department": "all", "phone": "+49 30 123456"})

    again = await shop.put("/v1/employees/boss", {"first_name": "Bo", "last_name": "Berg"})
    circle = await shop.ask("PUT", "/v1/departments/all", {"name": "All", "parent": "sales"})
    nowhere = await shop.ask("PUT", "/v1/employees/e2", {"first_name": "Eva", "department": "moon"})

    assert (boss["phone"], again["id"]) == ("+4930123456", boss["id"])
    assert (circle.status_code, nowhere.status_code) == (422, 422)
    assert "lies below" in circle.json()["errors"][0]["what"]


async def test_clients_are_kept_with_normalised_addresses_and_found_by_them(shop: Tenant) -> None:
    anna = await shop.post(
        "/v1/contacts",
        {
            "first_name": "Anna",
            "last_name": "Adler",
            "phones": [{"number": "+49 (30) 123-456"}],
            "emails": [{"address": "Anna@Example.com"}],
        },
    )
    await shop.post("/v1/contacts", {"first_name": "Ben"})

    by_phone = await shop.get("/v1/contacts?phone=%2B4930123456")
    by_email = await shop.get("/v1/contacts?email=ANNA@example.com")

    assert (anna["name"], anna["phone"], anna["email"]) == ("Anna Adler", "+4930123456", "anna@example.com")
    assert by_phone["items"] == by_email["items"] == [anna]
    patched = await shop.patch(f"/v1/contacts/{anna['id']}", {"emails": []})
    assert (patched["phone"], patched["email"]) == ("+4930123456", None)


async def test_addresses_that_are_none_are_refused_where_they_stand(shop: Tenant) -> None:
    body = {"title": "Elm Ltd", "phones": [{"number": "+4930123456"}, {"number": "call me"}]}

    answer = await shop.ask("POST", "/v1/companies", body)

    assert answer.json()["errors"][0]["where"] == "phones[1].number"
    wrong = await shop.ask("POST", "/v1/contacts", {"emails": [{"address": "nobody"}]})
    assert wrong.json()["errors"] == [{"where": "emails[0].address", "what": "is not an e-mail address"}]


async def test_a_company_keeps_what_a_patch_does_not_name(shop: Tenant) -> None:
    company = await shop.post("/v1/companies", {"title": "Elm Ltd", "tax_number": "DE1"})

    patched = await shop.patch(f"/v1/companies/{company['id']}", {"address": "1 Elm Street"})

    assert patched == {**company, "address": "1 Elm Street"}


async def test_roles_bound_what_people_may_do(shop: Tenant) -> None:
    agent, author = ("viewer", "agent"), ("viewer", "agent", "author")
    pipeline = {"name": "x", "kind": "deal", "stages": [{"code": "a", "name": "A"}]}

    answers = [
        await shop.ask("PUT", "/v1/tenant", {"name": "x"}, roles=author),
        await shop.ask("PUT", "/v1/pipelines/x", pipeline, roles=agent),
        await shop.ask("PUT", "/v1/pipelines/x", pipeline, roles=author),
        await shop.ask("POST", "/v1/items", {"kind": "deal", "title": "x"}, roles=("viewer",)),
        await shop.ask("POST", "/v1/items", {"kind": "deal", "title": "x"}, roles=agent),
        await shop.ask("GET", "/v1/items", roles=()),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 200, 403, 201, 403]


async def test_names_and_titles_are_kept_on_one_line_and_composed(shop: Tenant) -> None:
    contact = await shop.post("/v1/contacts", {"first_name": " Anna\t", "last_name": "Mu\u0308ller\u00a0 Berg"})
    assert (contact["first_name"], contact["last_name"]) == ("Anna", "Müller Berg")
    company = await shop.post("/v1/companies", {"title": "Elm\r\nLtd"})
    assert company["title"] == "Elm Ltd"
    employee = await shop.put("/v1/employees/anna", {"first_name": "Anna\u2028", "last_name": "Mu\u0308ller"})
    assert (employee["first_name"], employee["last_name"]) == ("Anna", "Müller")
    refused = await shop.ask("POST", "/v1/contacts", {"last_name": "M\u0096ller"})
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["where"] == "last_name"
    assert "U+0096 as character 2" in error["what"]


async def test_a_title_is_found_however_its_letters_were_typed(shop: Tenant) -> None:
    await shop.put("/v1/fields/deal/note", {"name": "Note", "type": "text"})
    item = await shop.deal(title="Table for\tMu\u0308ller", fields={"note": "Mu\u0308ller"})
    assert (item["title"], item["fields"]["note"]) == ("Table for Müller", "Müller")
    for typed in ("müller", "mu\u0308ller", "for  M\u00fc"):
        found = await shop.get(f"/v1/items?q={quote(typed)}")
        assert [one["id"] for one in found["items"]] == [item["id"]], typed


async def test_one_rule_for_addresses_takes_letters_of_any_script(shop: Tenant) -> None:
    contact = await shop.post("/v1/contacts", {"emails": [{"address": "Jürgen.X@client.example"}]})
    assert contact["email"] == "jürgen.x@client.example"


async def test_an_own_company_is_in_the_context_of_items_and_the_default_one_goes_before_the_oldest(
    harness: Harness, shop: Tenant
) -> None:
    account = {"bank": "A bank", "iban": "IT60X0542811101000000123456"}
    put = await shop.put(
        "/v1/my-companies/old", {"name": "Shop Ltd", "requisites": {"organisation": {"bank_accounts": [account]}}}
    )
    await shop.put("/v1/my-companies/new", {"name": "Shop Inc"})
    deal = await shop.deal()

    async def printed() -> tuple[str, str]:
        (context,) = (await contexts(harness, (shop, deal))).contexts()
        return context.my_company.code, context.my_company.account

    assert put == await shop.get("/v1/my-companies/old")
    assert await printed() == ("old", "IT60X0542811101000000123456")
    await shop.put("/v1/my-companies/new", {"name": "Shop Inc", "default": True})
    assert await printed() == ("new", "")
    await shop.put("/v1/my-companies/old", {"name": "Shop Ltd", "default": True})
    listed = (await shop.get("/v1/my-companies"))["items"]
    assert [(one["code"], one["default"]) for one in listed] == [("new", False), ("old", True)]
    wrong = await shop.ask("PUT", "/v1/my-companies/old", {"name": "x", "default": True, "archived": True})
    assert "archived" in wrong.json()["errors"][0]["what"]


async def test_requisites_of_clients_are_checked_changed_by_template_and_in_the_context(
    harness: Harness, shop: Tenant
) -> None:
    person = {"requisites": {"person": {"born_on": "1990-02-28", "addresses": {"legal": {"city": "Bonn"}}}}}
    contact = await shop.post("/v1/contacts", {"first_name": "Anna", **person})
    company = await shop.post("/v1/companies", {"title": "Elm", "requisites": {"sole_trader": {"name": "Elm"}}})
    deal = await shop.deal(contact_ids=[contact["id"]], company_id=company["id"])

    await shop.patch(f"/v1/contacts/{contact['id']}", {"first_name": "Anne"})
    await shop.patch(
        f"/v1/companies/{company['id']}",
        {"requisites": {"organisation": {"vat_number": "DE 136695976"}, "sole_trader": None}},
    )
    wrong = await shop.ask(
        "PATCH", f"/v1/companies/{company['id']}", {"requisites": {"organisation": {"vat_number": "DE136695977"}}}
    )

    (context,) = (await contexts(harness, (shop, deal))).contexts()
    assert context.contact is not None
    assert context.contact.requisites.model_dump(mode="json", exclude_defaults=True) == person["requisites"]
    assert context.company is not None
    kept = context.company.requisites.model_dump(exclude_defaults=True)
    assert kept == {"organisation": {"vat_number": "DE136695976"}}
    assert wrong.json()["errors"][0]["where"] == "requisites.organisation.vat_number"


async def test_a_rule_changes_requisites_of_the_client_and_is_refused_what_cannot_be(shop: Tenant) -> None:
    other, contact = [await shop.post("/v1/contacts", {"first_name": name}) for name in ("Otto", "Anna")]
    company = await shop.post("/v1/companies", {"title": "Elm Ltd"})
    deal = await shop.deal(contact_ids=[other["id"], contact["id"]])

    def change(party: str, **values: str) -> ChangeRequisites:
        id = {"contact": contact, "company": company}[party]["id"]
        body = {"item_id": deal["id"], "actor": "rule:it", "party": party, "party_id": id, "template": "sole_trader"}
        return ChangeRequisites.model_validate(body | {"address_type": "actual", "values": values})

    first = await shop.done(change("contact", vat_number="de 136695976", city="Bonn"))
    again = await shop.done(change("contact", vat_number="DE136695976"))

    assert first == {"changed": ["sole_trader.addresses.actual.city", "sole_trader.vat_number"]}
    assert again == {"changed": []}
    kept = (await shop.get(f"/v1/contacts/{contact['id']}"))["requisites"]["sole_trader"]
    assert (kept["vat_number"], kept["addresses"]["actual"]["city"]) == ("DE136695976", "Bonn")
    assert "vat_number: is no VAT number" in await shop.refused(change("contact", vat_number="DE1"))
    assert (await shop.get(f"/v1/contacts/{other['id']}"))["requisites"]["sole_trader"] is None
    of_nobody = await shop.refused(change("company", city="Bonn"))
    assert of_nobody == "there is no such company of the item any more"


async def test_who_is_on_the_exceptions_list_makes_no_items_until_taken_off_it(shop: Tenant) -> None:
    person = PersonInput(first_name="Anna", phone="+49 30 123456", email="anna@example.com")
    submitted = CreateItem(kind="deal", title="Oak", person=person, actor="form:site", origin="intake")
    made = await shop.done(submitted)
    other = await shop.deal(contact_ids=[made["contact_id"]])
    exclude = AddToExceptions(item_id=UUID(made["item_id"]), actor="rule:it")

    assert await shop.done(exclude) == {"addresses": 2, "contact_ids": [made["contact_id"]]}

    listed = (await shop.get("/v1/exceptions"))["items"]
    assert [(one["address"], one["note"], one["added_by"]) for one in listed] == [
        ("+4930123456", "client of Oak", "rule:it"),
        ("anna@example.com", "client of Oak", "rule:it"),
    ]
    gone = [f"/v1/items/{made['item_id']}", f"/v1/contacts/{made['contact_id']}"]
    assert [(await shop.ask("GET", path)).status_code for path in gone] == [404, 404]
    assert (await shop.get(f"/v1/items/{other['id']}"))["contact_ids"] == []
    assert "is on the exceptions list" in await shop.refused(submitted)
    assert (await shop.get("/v1/contacts"))["items"] == []
    for address in ("0049 30 12 34 56", "Anna@Example.com"):
        assert (await shop.ask("DELETE", f"/v1/exceptions/{quote(address)}")).status_code == 204
    assert (await shop.ask("DELETE", "/v1/exceptions/anna@example.com")).status_code == 404
    assert (await shop.done(submitted))["duplicate"] is False


async def test_people_put_addresses_on_the_exceptions_list_in_their_one_form(shop: Tenant) -> None:
    put = await shop.put("/v1/exceptions/%2B49%2030%20123456", {"note": "A machine"})
    wrong = await shop.ask("PUT", "/v1/exceptions/12", {})

    assert (put["address"], put["note"], put["added_by"]) == ("+4930123456", "A machine", "somebody")
    assert wrong.status_code == 422
    deal = await shop.deal()
    reason = await shop.refused(AddToExceptions(item_id=UUID(deal["id"]), actor="rule:it"))
    assert reason == "the item has no contact: there is nobody to put on the list"
