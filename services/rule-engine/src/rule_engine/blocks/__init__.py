"""The types of blocks: one class per block. What they say is next, the interpreter does."""

from collections.abc import Mapping
from typing import Any

from rule_engine.blocks.approvals import Approve
from rule_engine.blocks.deadline import Deadline
from rule_engine.blocks.foreach import ForEach
from rule_engine.blocks.if_ import If
from rule_engine.blocks.lock_item import LockItem
from rule_engine.blocks.log import Log
from rule_engine.blocks.parallel import Parallel
from rule_engine.blocks.pause import Pause
from rule_engine.blocks.requests import Acknowledge, RequestInformation
from rule_engine.blocks.sequence import Sequence
from rule_engine.blocks.set_status import SetStatus
from rule_engine.blocks.set_variables import SetVariables
from rule_engine.blocks.statuses import Statuses
from rule_engine.blocks.terminate import Terminate
from rule_engine.blocks.wait_event import WaitEvent
from rule_engine.blocks.wait_until import WaitUntil
from rule_engine.blocks.while_ import While
from rule_engine.domain.execution.blocks import BlockType

_TYPES: tuple[BlockType[Any], ...] = (
    Sequence(),
    If(),
    While(),
    ForEach(),
    Parallel(),
    Pause(),
    WaitUntil(),
    WaitEvent(),
    Statuses(),
    Approve(),
    Acknowledge(),
    RequestInformation(),
    Deadline(),
    LockItem(),
    SetStatus(),
    SetVariables(),
    Log(),
    Terminate(),
)
BLOCKS: Mapping[str, BlockType[Any]] = {block.type: block for block in _TYPES}
