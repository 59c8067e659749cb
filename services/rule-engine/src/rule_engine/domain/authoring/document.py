"""The rule set as its author writes it: one document per pipeline, a list of rules per stage."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from contracts.conditions import Condition
from contracts.values import Code
from rule_engine.domain.execution.program import OnFailure, OnLeave, Retry
from rule_engine.domain.language.variables import Name
from rule_engine.domain.schedule.run_time import Now, RunTime

Execution = Literal["parallel", "wait", "else"]
"""`parallel` opens a chain. `wait` follows the rule above; so does `else`, and acts only if that one's condition was
false.
"""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleDocument(_Strict):
    """One rule of a stage. `params` are those of its type; a string in them is a Liquid template."""

    name: Name
    """Unique in its stage, and the key of its outputs: `steps.<name>.<output>`."""
    id: UUID | None = None
    """Given by the server; send it back to rename a rule without making it another one."""
    title: Annotated[str, Field(max_length=200)] = ""
    type: Annotated[str, Field(max_length=64)]
    execution: Execution = "wait"
    run: RunTime = Now()
    condition: Condition | None = None
    on_leave: OnLeave = "cancel"
    on_failure: OnFailure = "stop"
    retry: Retry | None = None
    enabled: bool = True
    params: dict[str, JsonValue] = Field(default_factory=dict)


class StageDocument(_Strict):
    """The rules of a stage, in order."""

    rules: Annotated[tuple[RuleDocument, ...], Field(max_length=200)] = ()


class Document(_Strict):
    """What an author saves and publishes, in versions."""

    name: Annotated[str, Field(max_length=200)] = ""
    """For people."""


class RuleSetDocument(Document):
    """Everything that happens by itself in one pipeline."""

    pipeline: Code
    stages: dict[Code, StageDocument]
