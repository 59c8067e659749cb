"""Names and media types of files."""

import pytest

from doc_service.domain.files import safe_media_type, safe_name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\plan.pdf", "plan.pdf"),
        ("Angebot Müller.pdf", "Angebot Müller.pdf"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("two\r\nlines.txt", "twolines.txt"),
        ('a"b|c?.txt', "a_b_c_.txt"),
        ("", "file"),
        ("...", "file"),
        ("/", "file"),
        ("no suffix", "no suffix"),
    ],
)
def test_a_name_becomes_one_harmless_segment(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_a_long_name_keeps_its_suffix() -> None:
    name = safe_name("ü" * 500 + ".pdf")
    assert name.endswith("ü.pdf")
    assert len(name) <= 120


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("application/pdf", "application/pdf"),
        ("Text/Plain; charset=utf-8", "text/plain"),
        (None, "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("text/html\r\nx: y", "application/octet-stream"),
    ],
)
def test_a_media_type_is_bare_or_unknown(given: str | None, kept: str) -> None:
    assert safe_media_type(given) == kept
