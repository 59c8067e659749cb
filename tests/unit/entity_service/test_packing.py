"""An answer of contexts: what is shared goes once, what does not fit goes later, what never fits says so."""

from uuid import UUID, uuid4

from contracts.asking import TooLarge, ask_contexts
from contracts.contexts import MAX_ANSWER, ContextRequest, ContextResponse, ItemContext, ItemRef
from support.entity import answered
from support.shop import deal


class Client:
    """Answers as entity-service does, and keeps what it answered."""

    def __init__(self, known: dict[ItemRef, ItemContext]) -> None:
        self._known = known
        self.answers: list[bytes] = []

    async def ask(self, _method: str, _path: str, *, body: str) -> bytes:
        self.answers.append(
            answered(self._known, ContextRequest.model_validate_json(body).items).model_dump_json().encode()
        )
        return self.answers[-1]


def dealt(number: int, title: str = "Oak table", contacts: int = 100) -> dict[ItemRef, ItemContext]:
    """Deals that share their clients, each of them of some 9 kB."""
    one = deal()
    assert one.contact is not None
    people = tuple(one.contact.model_copy(update={"id": UUID(int=n), "name": "n" * 9_000}) for n in range(contacts))
    whole = one.model_copy(update={"contacts": people, "contact": people[0]})
    items = [whole.item.model_copy(update={"id": uuid4(), "title": title}) for _ in range(number)]
    named = [whole.model_copy(update={"item": item}) for item in items]
    return {ItemRef(tenant_id=c.tenant_id, item_id=c.item.id): c for c in named}


async def asked(known: dict[ItemRef, ItemContext]) -> tuple[Client, dict[tuple[UUID, UUID], ItemContext | TooLarge]]:
    client = Client(known)
    return client, await ask_contexts(client, [(ref.tenant_id, ref.item_id) for ref in known])  # type: ignore[arg-type]


async def test_400_items_that_share_100_clients_take_a_few_bounded_answers() -> None:
    known = dealt(400)
    client, found = await asked(known)
    assert len(client.answers) <= 3
    assert max(map(len, client.answers)) <= MAX_ANSWER + 20_000
    assert {key[1]: context.contacts for key, context in found.items() if isinstance(context, ItemContext)} == {
        ref.item_id: context.contacts for ref, context in known.items()
    }


async def test_what_does_not_fit_is_asked_for_again() -> None:
    known = dealt(50, title="t" * 100_000)
    client, found = await asked(known)
    assert len(client.answers) > 2
    assert all(len(answer) <= MAX_ANSWER + 10_000 for answer in client.answers)
    assert len(found) == 50


async def test_an_item_that_never_fits_is_refused_alone() -> None:
    small, large = dealt(3, contacts=1), dealt(1, contacts=300)
    _, found = await asked({**dict(list(small.items())[:1]), **large, **small})
    assert [isinstance(one, TooLarge) for one in found.values()].count(True) == 1
    assert isinstance(found[next((ref.tenant_id, ref.item_id) for ref in large)], TooLarge)
    assert len(found) == 4


def test_an_answer_is_read_as_it_was_written() -> None:
    known = dealt(2, contacts=2)
    answer = answered(known, [*known, ItemRef(tenant_id=uuid4(), item_id=uuid4())])
    again = ContextResponse.model_validate_json(answer.model_dump_json())
    assert list(again.contexts()) == list(answer.contexts())
    assert len(again.missing) == 1
