"""What `stack demo` does: brings the stack up, opens a shop, plays the story, and says how to go on."""

import time
from contextlib import closing

from local_stack.demo.shop import Shop, open_shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from local_stack.stack import Stack
from local_stack.tenant import has_tenant, remember_tenant


def play(stack: Stack) -> None:
    """Raises StackError at the first thing that is not as the story says."""
    began = time.monotonic()
    stack.up()
    teller = Teller()
    with closing(open_shop(stack)) as shop:
        teller.plain(f"A new furniture shop has opened: tenant {shop.tenant}")
        if not has_tenant(stack.folder):
            remember_tenant(stack.folder, shop.tenant)
        story = Story(shop, teller)
        for step in story.steps():
            teller.step(step.number, step.title)
            step.play()
    _go_on(teller, shop, story)
    teller.plain(f"played in {time.monotonic() - began:.0f} s")
    teller.plain("demo: ok")


def _go_on(teller: Teller, shop: Shop, story: Story) -> None:
    owner, deal = shop.owner, story.deal
    item = owner.url("entity-service", f"/v1/items/{deal}")
    view = owner.url("rule-engine", f"/v1/automation/items/{deal}")
    body = '\'{"stage": "lost"}\''
    lines = (
        "",
        f"SMS, mail and PDF are in {shop.keepsakes}. The stack stays up; go on playing (`./stack down` ends it):",
        f"  export TOKEN={owner.token}",
        f'  curl -H "Authorization: Bearer $TOKEN" {item}',
        f'  curl -H "Authorization: Bearer $TOKEN" {view}',
        f'  curl -H "Authorization: Bearer $TOKEN" -H "If-Match: *" -X PUT --json {body} {item}/stage',
        f"  curl {owner.url('sms', '/messages')}",
        f"  ./stack token --role author --tenant {shop.tenant}      # and `./stack --help`",
        f"  open in a browser: {owner.url('trigger-service', shop.form)}, {owner.url('temporal-ui', '')}",
        "",
    )
    for line in lines:
        teller.plain(line)
