"""What is generated from the code is what is committed."""

from local_stack.layout import WORKSPACE
from rule_engine.catalogue import page


def test_the_page_of_rule_types_is_up_to_date() -> None:
    assert (WORKSPACE / "docs/catalogue.md").read_text() == page(), "run make catalogue"
