"""`docs/catalogue.md`: `python -m tests.contract.catalogue > docs/catalogue.md` puts it together."""

import sys

from rule_engine.catalogue import blocks, rules
from trigger_service.catalogue import triggers

HEAD = """# The catalogue: rules, triggers, blocks

Made from the code by `make catalogue`; `GET /v1/rule-types`, `/v1/trigger-types` and `/v1/block-types` tell the same
with JSON Schemas. Any parameter of a rule may be a Liquid text or `{"path": "…"}`. Outputs of rules and blocks are used
by later ones as `steps.<name>.<output>`. How blocks make a workflow: [workflows.md](workflows.md),
[workflows-people.md](workflows-people.md).
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([HEAD, *rules(), *triggers(), *blocks()])


if __name__ == "__main__":
    sys.stdout.write(page())
