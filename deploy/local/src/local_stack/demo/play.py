"""What `stack demo` does: brings the stack up, opens a shop, plays the story, and says how to go on."""

import time
from collections.abc import Mapping
from contextlib import closing

from contracts.issues import unknown
from local_stack.demo.plot import Plot
from local_stack.demo.repeat_sales import RepeatSales
from local_stack.demo.shop import open_shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from local_stack.errors import StackError
from local_stack.stack import Stack
from local_stack.tenant import has_tenant, remember_tenant

STORIES: Mapping[str, type[Plot]] = {story.example: story for story in (Story, RepeatSales)}


def play(stack: Stack, name: str) -> None:
    """Raises StackError for a story that there is not, and at the first thing that is not as the story says."""
    if name not in STORIES:
        raise StackError(unknown("story", name, STORIES))
    began = time.monotonic()
    stack.up()
    teller = Teller()
    with closing(open_shop(stack, name)) as shop:
        teller.plain(f"A new company has opened ({name}): tenant {shop.tenant}")
        if not has_tenant(stack.folder):
            remember_tenant(stack.folder, shop.tenant)
        story = STORIES[name](shop, teller)
        for step in story.steps():
            teller.step(step.number, step.title)
            step.play()
    _go_on(teller, story)
    teller.plain(f"played in {time.monotonic() - began:.0f} s")
    teller.plain("demo: ok")


def _go_on(teller: Teller, story: Plot) -> None:
    shop, deal = story.shop, story.deal
    owner = shop.owner
    item = owner.url("entity-service", f"/v1/items/{deal}")
    view = owner.url("rule-engine", f"/v1/automation/items/{deal}")
    body = '\'{"stage": "lost"}\''
    lines = (
        "",
        f"{story.kept} kept in {shop.keepsakes}. The stack stays up; go on playing (`./stack down` ends it):",
        f"  export TOKEN={owner.token}",
        f'  curl -H "Authorization: Bearer $TOKEN" {item}',
        f'  curl -H "Authorization: Bearer $TOKEN" {view}',
        f'  curl -H "Authorization: Bearer $TOKEN" -H "If-Match: *" -X PUT --json {body} {item}/stage',
        f"  curl {owner.url('sms', '/messages')}",
        f"  ./stack token --role author --tenant {shop.tenant}      # and `./stack --help`",
        f"  open in a browser: {', '.join(story.pages())}",
        "",
    )
    for line in lines:
        teller.plain(line)
