"""Who gets the work of archived employees."""

from uuid import UUID

import pytest

from entity_service.domain.departments import Department
from entity_service.domain.employees import Absentable, Employee, Handover, Staff, substitutes_of

DEPARTMENTS = (
    Department(code="all", name="Everybody", head="boss"),
    Department(code="sales", name="Sales", parent="all", head="head"),
    Department(code="stock", name="Stock"),
)


def employee(code: str, department: str | None = "sales", **more: object) -> Employee:
    return Employee.model_validate(
        {"id": UUID(int=sum(code.encode())), "code": code, "first_name": code.title(), "department": department, **more}
    )


def staff(*employees: Employee, default: str | None = None) -> Staff:
    return Staff(employees, DEPARTMENTS, default)


def next_of(code: str, *employees: Employee, default: str | None = None) -> str | None:
    found = staff(*employees, default=default).assignee(next(one for one in employees if one.code == code))
    return found.code if found else None


GONE = employee("gone", archived=True)
BOSS, HEAD, HEIR = employee("boss", "all"), employee("head"), employee("heir")


def test_who_is_there_keeps_the_work() -> None:
    assert next_of("heir", HEIR, HEAD, BOSS) == "heir"


def test_a_successor_comes_before_the_head_of_the_department_and_that_before_the_default_assignee() -> None:
    with_successor = employee("gone", archived=True, successor="heir")
    nowhere = employee("gone", None, archived=True)
    assert next_of("gone", with_successor, HEIR, HEAD, BOSS, default="boss") == "heir"
    assert next_of("gone", GONE, HEIR, HEAD, BOSS, default="boss") == "head"
    assert next_of("gone", nowhere, HEIR, HEAD, BOSS, default="heir") == "heir"


def test_a_head_who_is_archived_is_followed_by_their_successor_else_by_the_head_above() -> None:
    replaced = employee("head", archived=True, successor="heir")
    gone = employee("head", archived=True)
    assert next_of("gone", GONE, replaced, HEIR, BOSS) == "heir"
    assert next_of("gone", GONE, gone, HEIR, BOSS) == "boss"
    assert next_of("head", gone, BOSS) == "boss"


@pytest.mark.parametrize("successor", ["gone", "unwritten", None])
def test_nobody_is_left_where_everybody_is_archived_or_not_there(successor: str | None) -> None:
    circle = employee("gone", archived=True, successor=successor)
    assert next_of("gone", circle, HEIR, default="unwritten") is None


def test_every_archived_employee_has_a_next_one_or_none() -> None:
    lost = employee("lost", "stock", archived=True)
    assert staff(GONE, lost, HEAD, BOSS).reassignments() == {GONE.id: HEAD.id, lost.id: None}


def test_five_thousand_archived_employees_one_after_another_take_a_bounded_walk() -> None:
    chain = [employee(f"e{n}", archived=True, successor=f"e{n + 1}") for n in range(5_000)]
    assert set(staff(*chain, BOSS).reassignments().values()) == {BOSS.id}


def test_a_handover_says_who_takes_over() -> None:
    assert Handover(GONE, HEAD).text("the task 'Call'") == "the task 'Call' for Gone, who is archived, goes to Head"
    assert "nobody is left" in Handover(GONE, None).text("the task 'Call'")


def away(code: str, substitute: str | None = None) -> Absentable:
    return Absentable(UUID(int=sum(code.encode())), code, archived=False, absent=True, substitute=substitute)


def here(code: str, *, archived: bool = False) -> Absentable:
    return Absentable(UUID(int=sum(code.encode())), code, archived=archived, absent=False, substitute=None)


@pytest.mark.parametrize(
    ("others", "substitute"),
    [
        ([here("ben")], "ben"),
        ([away("ben", "cat"), here("cat")], "cat"),
        ([away("ben", "cat"), away("cat")], None),
        ([away("ben", "ann")], None),
        ([away("ben", "cat"), away("cat", "ben")], None),
        ([here("ben", archived=True)], None),
        ([], None),
    ],
)
def test_who_answers_for_somebody_absent(others: list[Absentable], substitute: str | None) -> None:
    ann = away("ann", "ben")
    found = substitutes_of([ann, *others]).get(ann.id)
    assert found == (UUID(int=sum(substitute.encode())) if substitute else None)


def test_nobody_answers_for_those_who_are_there() -> None:
    assert substitutes_of([here("ann"), here("ben")]) == {}


def test_a_chain_of_substitutes_has_an_end() -> None:
    chain = [away(f"a{at}", f"a{at + 1}") for at in range(500)]
    assert substitutes_of([*chain, here("a500")]).get(chain[0].id) is None
