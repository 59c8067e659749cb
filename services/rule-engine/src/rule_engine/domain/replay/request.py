"""What people ask a replay for."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from contracts.inputs import Input

MAX_DAYS = 400
MAX_EXAMPLES = 100

type Version = Literal["draft", "newest"] | Annotated[int, Field(ge=1, le=2**31 - 1)]


class ReplayDocument(Input):
    """Which version decides the recorded decisions again, and how far back they go."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    version: Version = "draft"
    """A number, `newest` (published), or `draft`, which is checked as if it were published."""
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 7
    """Decisions of so many days, up to now."""
    examples: Annotated[int, Field(ge=0, le=MAX_EXAMPLES)] = 10
    """Items that are named for each difference; all are counted."""
