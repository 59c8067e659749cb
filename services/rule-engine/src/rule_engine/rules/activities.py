"""What rules about planned activities share."""

from typing import Annotated

from pydantic import Field

from contracts.item_types import TypeFilter
from rule_engine.domain.actions import (
    LONGER_IS_CUT,
)

Description = Annotated[str, Field(max_length=50_000, json_schema_extra=LONGER_IS_CUT)]
SALES: tuple[TypeFilter, ...] = ("lead", "deal")
