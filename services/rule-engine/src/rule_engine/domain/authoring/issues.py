"""What is wrong or doubtful in a rule set, with the rule it is in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuleIssue:
    """An `Issue` of a rule set: where (`stages.new.rules[1].params.text`), in which rule (null: in none), and what."""

    where: str
    rule: str | None
    what: str
