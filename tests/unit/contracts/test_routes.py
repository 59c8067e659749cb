"""What routes have in common: a record or 404, a page of a list."""

from typing import NamedTuple
from uuid import UUID

import pytest

from contracts.kit.http import Problem
from contracts.kit.routes import Paging, found


class Entry(NamedTuple):
    id: UUID
    code: str


ENTRIES = [Entry(UUID(int=number), code) for number, code in enumerate("abcde")]


def test_a_record_that_is_not_there_is_a_404_that_names_it() -> None:
    assert found("it", "deal 17") == "it"
    with pytest.raises(Problem) as raised:
        found(None, "deal 17")
    assert (raised.value.status, raised.value.detail) == (404, "there is no deal 17")


def test_pages_by_code_come_to_the_end_without_a_gap_or_a_repeat() -> None:
    codes, cursor = list[str](), None
    for _ in range(3):
        paging = Paging(cursor, 2)
        page = paging.by_code([one for one in ENTRIES if one.code > paging.code][: paging.rows])
        codes += [one.code for one in page.items]
        cursor = page.next_cursor
    assert ("".join(codes), cursor) == ("abcde", None)


def test_a_page_by_id_goes_on_behind_its_last_entry() -> None:
    first = Paging(None, 2).by_id(ENTRIES[:3])
    assert [one.code for one in first.items] == ["a", "b"]
    assert Paging(first.next_cursor, 2).id == ENTRIES[1].id
    assert Paging(None, 2).id is None


def test_a_cursor_of_another_list_is_a_400() -> None:
    by_code = Paging(None, 2).by_code(ENTRIES)
    with pytest.raises(Problem, match="use the next_cursor of an earlier page") as raised:
        _ = Paging(by_code.next_cursor, 2).id
    assert raised.value.status == 400
