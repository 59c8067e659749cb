"""Rule sets of the furniture shop, checked as before their publishing."""

from typing import Any

from rule_engine.domain.authoring.checks import RuleSetCheck
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.rules import REGISTRY
from support.shop import SCHEMA, rule, rule_set

SMS = {"text": "Hello"}


def issues(document: dict[str, Any]) -> list[RuleIssue]:
    return RuleSetCheck(RuleSetDocument.model_validate(document), SCHEMA, REGISTRY).issues()


def only(document: dict[str, Any]) -> tuple[str, str | None, str]:
    """The one issue of a document."""
    (issue,) = issues(document)
    return issue.where, issue.rule, issue.what


def in_new(*rules: dict[str, Any]) -> dict[str, Any]:
    return rule_set(new=list(rules))


def conditioned(condition: Any) -> dict[str, Any]:
    return in_new(rule("it", "send_sms", **SMS, condition=condition))
