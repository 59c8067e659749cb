"""A rule that makes codes, such as those of coupons."""

from random import Random
from typing import Annotated, Any, ClassVar

from pydantic import Field

from rule_engine.domain.actions import ActionContext, Failure, Group, Outputs, Params, RuleType

READABLE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Letters and digits that nobody takes for one another."""


class GenerateCodeParams(Params):
    length: Annotated[int, Field(ge=1, le=200)] = 8
    alphabet: Annotated[str, Field(min_length=1, max_length=200)] = READABLE
    """The characters that it is made of; by default capital letters and digits that are not mistaken for others."""


class GeneratedCode(Outputs):
    """The code."""

    code: str


class GenerateCode(RuleType[GenerateCodeParams]):
    """A code made by chance, for the rules after it. It is not meant as a password: it follows from the run's id."""

    type = "generate_code"
    title = "Make a code"
    group: ClassVar[Group] = "data"
    helper: ClassVar[bool] = True
    params = GenerateCodeParams
    outputs = GeneratedCode

    def act(self, params: GenerateCodeParams, acting: ActionContext) -> GeneratedCode | Failure:
        """The same step of a run makes the same code, however often it is decided."""
        characters = sorted(set(params.alphabet))
        if len(characters) < 2:  # noqa: PLR2004
            return Failure("params.alphabet: give at least two different characters")
        chance = Random(f"{acting.values['seed']}/code")  # noqa: S311 - not for secrets
        return GeneratedCode(code="".join(chance.choices(characters, k=params.length)))


RULES: tuple[RuleType[Any], ...] = (GenerateCode(),)
