"""A workflow as its author writes it: blocks inside blocks. What the options of a block are, its type says."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from contracts.conditions import Condition
from contracts.texts import MAX_TITLE
from contracts.values import Code, ItemKind
from rule_engine.domain.authoring.document import Document
from rule_engine.domain.execution.permissions import DEFAULT, Permissions
from rule_engine.domain.language.asked import AskedDocument
from rule_engine.domain.language.variables import ConstantDocument, Name

MAX_BLOCKS = 1_000
MAX_DEPTH = 20
ACTION = "action"
"""The block that is a rule."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BranchDocument(_Strict):
    """One of the branches of a block."""

    name: Annotated[str, Field(max_length=64)] = ""
    condition: Condition | None = None
    blocks: tuple["BlockDocument", ...] = ()


class BlockDocument(BaseModel):
    """One block; what else is written in it are options of its type."""

    model_config = ConfigDict(frozen=True, extra="allow")

    block: Annotated[str, Field(max_length=64)]
    name: Name
    """Unique in the workflow; names the block in the journal and its outputs in `steps`."""
    id: UUID | None = None
    """Given by the server; send it back to rename a block without making it another one."""
    title: Annotated[str, Field(max_length=MAX_TITLE)] = ""
    blocks: tuple["BlockDocument", ...] = ()
    """The body of a block that has one."""
    branches: Annotated[tuple[BranchDocument, ...], Field(max_length=100)] = ()

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    @property
    def ends_the_run(self) -> bool:
        """Whether nothing after it is reached."""
        return self.block == "terminate" and self.options.get("scope") != "others"

    @property
    def bodies(self) -> tuple[tuple[str, tuple["BlockDocument", ...]], ...]:
        """The sequences inside it, each with where it stands."""
        own = (("blocks", self.blocks),) if self.blocks else ()
        return (*own, *((f"branches[{index}].blocks", one.blocks) for index, one in enumerate(self.branches)))


class Autorun(_Strict):
    """What starts the workflow by itself."""

    on_create: bool = False
    on_change: bool = False
    by_automation: bool = False
    """Also what rules and workflows have created or changed."""
    by_import: bool = False
    """Also what was imported without automation."""


type Policy = Literal["queue", "replace", "refuse"]


class Concurrency(_Strict):
    """Of the runs with one key only one goes on at a time. The key is made when a run starts, of the item's own fields
    and the parameters; a start whose key is empty has none.
    """

    key: Annotated[str, Field(min_length=1, max_length=1_000)] | Annotated[dict[str, JsonValue], Field(max_length=1)]
    policy: Policy = "queue"
    """What a later start does: it waits its turn, ends the earlier runs, or is refused."""


class WorkflowDocument(Document):
    """Everything about one workflow."""

    kind: ItemKind
    """Of the items that it runs on."""
    pipeline: Code | None = None
    """The only pipeline whose items it runs on; null: all of the kind."""
    autorun: Autorun = Autorun()
    concurrency: Concurrency | None = None
    permissions: Permissions = DEFAULT
    parameters: Annotated[dict[Name, AskedDocument], Field(max_length=100)] = Field(default_factory=dict)
    """What is asked for when a person starts the workflow."""
    variables: Annotated[dict[Name, ConstantDocument], Field(max_length=100)] = Field(default_factory=dict)
    constants: Annotated[dict[Name, ConstantDocument], Field(max_length=100)] = Field(default_factory=dict)
    """Values that no run changes, `const.<name>`; one hides the tenant's constant with its code."""
    blocks: tuple[BlockDocument, ...]


_CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


def as_condition(written: Any) -> Condition:
    """A condition among the options of a block. Raises `ValidationError`."""
    return _CONDITION.validate_python(written)


@dataclass(frozen=True, slots=True)
class PlacedBlock:
    """A block where it stands: `blocks[0].branches[1].blocks[0]`."""

    where: str
    block: BlockDocument
    around: tuple[BlockDocument, ...]
    """The blocks that it is inside of, the outermost first."""


def placed_blocks(document: WorkflowDocument) -> Iterator[PlacedBlock]:
    """Every block, in the order of the document, those inside a block after it."""
    return _placed(document.blocks, "blocks", ())


def _placed(blocks: tuple[BlockDocument, ...], where: str, around: tuple[BlockDocument, ...]) -> Iterator[PlacedBlock]:
    for index, block in enumerate(blocks):
        here = f"{where}[{index}]"
        yield PlacedBlock(here, block, around)
        for below, inner in block.bodies:
            yield from _placed(inner, f"{here}.{below}", (*around, block))
