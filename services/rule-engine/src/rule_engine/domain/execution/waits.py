"""The program of waits that services ask for: until a moment; its end is the answer."""

from datetime import datetime

from rule_engine.domain.execution.program import Block, Program
from rule_engine.domain.execution.state import State
from rule_engine.domain.execution.workflows import begin_workflow

WAIT = "builtin:wait"
"""Stands where runs of workflows have the workflow's code; authors cannot give this one."""
VERSION = 1
PROGRAM = Program(
    workflow=WAIT,
    root=Block(block="sequence", blocks=(Block(block="wait_until", id="builtin:wait_until", name="wait_until"),)),
)
PAYLOAD = "payload"


def begin_wait(until: str, payload: str, asked_by: str, now: datetime) -> State:
    """The state of a wait that was just asked for; `until` in ISO 8601."""
    return begin_workflow(PROGRAM, {"until": until}, {PAYLOAD: payload}, asked_by, now)
