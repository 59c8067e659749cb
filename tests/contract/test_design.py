"""The walk that the design page tells of goes by functions that exist, from the first hop to the last."""

import re
from importlib import import_module
from typing import Any

from local_stack.layout import WORKSPACE

NAME = re.compile(r"`([a-z_]+(?:\.[a-z_]+)+):([A-Za-z_.]+)`")


def test_every_hop_of_the_walk_names_code_that_exists() -> None:
    page = (WORKSPACE / "docs/design.md").read_text()
    walk = page[page.index("## One walk") : page.index("## 1. ")]
    hops = [row for row in walk.splitlines() if re.match(r"\| \d+ \|", row)]
    assert len(hops) >= 10
    for hop in hops:
        named = NAME.findall(hop)
        assert named, hop
        for module, name in named:
            found: Any = import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            assert callable(found), f"{module}:{name}"
