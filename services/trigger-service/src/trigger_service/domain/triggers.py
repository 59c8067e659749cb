"""Triggers as authors define them. Each is put as a whole under its code."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from contracts.conditions import Condition
from contracts.inputs import Input
from contracts.texts import Name
from contracts.values import Code

Employee = Annotated[str, Field(min_length=1, max_length=64)]
"""An employee's code or id."""


class TriggerSpec(Input):
    """A trigger on a stage: it does one thing, move the item there.

    `change_stage_as` null: the item's responsible person. `settings` are those of the type, see `/v1/trigger-types`.
    """

    name: Name
    type: str
    pipeline: Code
    stage: Code
    condition: Condition | None = None
    allow_moving_back: bool = False
    change_stage_as: Employee | None = None
    enabled: bool = True
    archived: bool = False
    settings: dict[str, JsonValue] = Field(default_factory=dict)


class Trigger(BaseModel):
    """A trigger as it is kept; `change_as` is the employee that `change_stage_as` names."""

    model_config = ConfigDict(frozen=True)

    code: str
    spec: TriggerSpec
    change_as: UUID | None = None
