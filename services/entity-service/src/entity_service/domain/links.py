"""Links between items, of which one came from the other."""

from typing import Literal
from uuid import UUID

from contracts.values import ItemKind, Value

Relation = Literal["copy", "follow_up", "invoice"]


class Link(Value):
    """Another item that came from this one (`to`), or from which this one came (`from`)."""

    relation: Relation
    direction: Literal["to", "from"]
    item_id: UUID
    kind: ItemKind
    title: str
    pipeline: str
    stage: str
