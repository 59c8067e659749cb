"""What variables and constants have in common: their codes, and what is refused of them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Path, Query

from contracts.kit.http import bad_input, not_found
from rule_engine.api.problems import needing_entity_service
from rule_engine.application.variables import InvalidDefinitionError, UndefinedError
from rule_engine.domain.language.variables import Name

CodePath = Annotated[Name, Path(description="the author-given code, a name in texts and expressions")]
DryRun = Annotated[bool, Query(description="only check whether it can be changed; change nothing")]


@asynccontextmanager
async def refusals_as_problems() -> AsyncGenerator[None]:
    """Answers 404, 422 or 503 for what cannot be read or written."""
    try:
        with needing_entity_service("what rules are checked against"):
            yield
    except UndefinedError as error:
        raise not_found(str(error)) from error
    except InvalidDefinitionError as error:
        raise bad_input("it cannot be changed like this; nothing was changed", *error.issues) from error
