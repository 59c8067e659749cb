"""What is generated from the code is what is committed, and nothing is left out."""

import re

from contract.catalogue import page
from local_stack.layout import WORKSPACE
from rule_engine.blocks import BLOCKS
from rule_engine.domain.authoring.workflow_document import ACTION
from rule_engine.rules import REGISTRY
from trigger_service.triggers.registry import TRIGGER_TYPES

PAGE = (WORKSPACE / "docs/catalogue.md").read_text()


def test_the_page_is_up_to_date() -> None:
    assert page() == PAGE, "run make catalogue"


def test_every_rule_trigger_and_block_has_a_section_with_an_example_and_what_is_refused() -> None:
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    found = [match.groups() for one in sections if (match := re.match(r"(\w+) `(\w+)`\n", one))]
    written = {ACTION, *(name for name, one in BLOCKS.items() if one.written)}
    assert len(found) == len(sections) == len(set(found))
    assert {name for kind, name in found if kind == "rule"} == REGISTRY.keys()
    assert {name for kind, name in found if kind == "trigger"} == TRIGGER_TYPES.keys()
    assert {name for kind, name in found if kind == "block"} == written
    assert [one for one in sections if "```yaml" not in one] == []
    assert [one for one in sections if "Refused at publishing" not in one and "leaves it where it is" not in one] == []
