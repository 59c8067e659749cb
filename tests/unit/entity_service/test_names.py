"""What copies are called."""

import pytest

from contracts.texts import MAX_TITLE
from entity_service.domain.names import copy_name


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("en", "Oak table Copy"),
        ("fr", "Oak table Copie"),
        ("fr-CA", "Oak table Copie"),
        ("de", "Oak table Kopie"),
        ("es", "Oak table Copia"),
        ("it", "Oak table Copia"),
        ("pl", "Oak table Kopia"),
        ("vi", "Oak table Bản sao"),
        ("pt", "Oak table Copy"),
        ("nowhere", "Oak table Copy"),
    ],
)
def test_a_copy_is_called_so_in_the_language_of_its_tenant(language: str, name: str) -> None:
    assert copy_name("Oak table", language) == name


def test_a_title_that_leaves_no_room_is_cut() -> None:
    name = copy_name("x" * MAX_TITLE, "vi")
    assert (len(name), name[-9:]) == (MAX_TITLE, "x Bản sao")
