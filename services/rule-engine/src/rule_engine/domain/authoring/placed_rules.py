"""The rules of a document where they stand: their stage, their chain, and what they can name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.contexts import PipelineSchema, TenantSchema
from rule_engine.domain.actions import AuthoringContext, Outputs, RuleType
from rule_engine.domain.authoring.compiling import chains
from rule_engine.domain.authoring.document import RuleDocument, RuleSetDocument, StageDocument
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.domain.authoring.step_outputs import absent_steps
from rule_engine.domain.language import value_types
from rule_engine.domain.language.value_types import Shape

type Registry = Mapping[str, RuleType[Any]]


@dataclass(frozen=True, slots=True)
class PlacedRule:
    """A rule where it stands."""

    where: str
    rule: RuleDocument
    stage: StageDocument
    earlier: Sequence[RuleDocument]
    """The rules before it in its chain."""
    context: AuthoringContext
    registry: Registry

    @property
    def type(self) -> RuleType[Any] | None:
        return self.registry.get(self.rule.type)

    def issue(self, below: str, what: str) -> RuleIssue:
        return RuleIssue(f"{self.where}.{below}", self.rule.name, what)

    def issue_of_whole(self, what: str) -> RuleIssue:
        return RuleIssue(self.where, self.rule.name, what)

    def names(self) -> Shape:
        """What its texts and conditions can name."""
        absent = absent_steps(self.rule, self.stage, self.earlier)
        present = [one for one in self.earlier if one.name not in absent]
        steps = {one.name: _outputs(one, self.registry.get(one.type), self.context.schema) for one in present}
        context = self.context
        return value_types.names(context.pipeline.kind, context.schema, steps, context.definitions, absent)


def _outputs(rule: RuleDocument, rule_type: RuleType[Any] | None, schema: TenantSchema) -> type[Outputs]:
    return rule_type.outputs_with(rule.params, schema) if rule_type else Outputs


def pipeline_of(document: RuleSetDocument, schema: TenantSchema) -> PipelineSchema | None:
    """The document's pipeline; null when the tenant has no such one."""
    return next((one for one in schema.pipelines if one.code == document.pipeline), None)


def placed_rules(document: RuleSetDocument, tenant: AuthoringContext, registry: Registry) -> Iterator[PlacedRule]:
    """Every rule of the document, in order; `tenant` is the context of any of its stages."""
    for code, stage in document.stages.items():
        context = replace(tenant, stage=code)
        index = 0
        for rules in chains(stage.rules):
            for position, rule in enumerate(rules):
                where = f"stages.{code}.rules[{index}]"
                yield PlacedRule(where, rule, stage, rules[:position], context, registry)
                index += 1
