"""From the document that authors write to the programs that runs are made of."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from contracts.conditions import Condition
from contracts.contexts import Part, TenantSchema
from rule_engine.domain.actions import RuleType
from rule_engine.domain.authoring import employee_refs
from rule_engine.domain.authoring.document import RuleDocument, RuleSetDocument
from rule_engine.domain.execution.program import Block, Program, RuleBlock
from rule_engine.domain.language import value_types
from rule_engine.domain.language.conditions import paths_of as read_by
from rule_engine.domain.language.values import parts_of, paths_of
from rule_engine.domain.language.variables import Definition
from rule_engine.domain.schedule.due import parts_for

type NewId = Callable[[], UUID]


def with_ids(document: RuleSetDocument, before: Iterable[RuleSetDocument], new_id: NewId) -> RuleSetDocument:
    """The document with an id on every rule: the one it names if there was such a rule before, else that of the rule of
    the same name in the same stage (the last of `before` counts most), else a new one.
    """
    earlier = [place for one in before for place in _rules(one)]
    known = {(stage, rule.name): rule.id for stage, rule in earlier}
    ids = {rule.id for _, rule in earlier}
    named = {rule.id for _, rule in _rules(document) if rule.id in ids}
    taken: set[UUID] = set()

    def identified(stage: str, rule: RuleDocument) -> RuleDocument:
        by_name = known.get((stage, rule.name))
        wanted = rule.id if rule.id in named else None if by_name in named else by_name
        id = wanted if wanted and wanted not in taken else new_id()
        taken.add(id)
        return rule.model_copy(update={"id": id})

    stages = {
        code: stage.model_copy(update={"rules": tuple(identified(code, rule) for rule in stage.rules)})
        for code, stage in document.stages.items()
    }
    return document.model_copy(update={"stages": stages})


def chains(rules: Iterable[RuleDocument]) -> list[list[RuleDocument]]:
    """Rules of a stage by chain: one that runs in parallel opens a chain, others join the chain above them."""
    found: list[list[RuleDocument]] = []
    for rule in rules:
        if rule.execution == "parallel" or not found:
            found.append([])
        found[-1].append(rule)
    return found


def _rules(document: RuleSetDocument) -> Iterator[tuple[str, RuleDocument]]:
    return ((code, rule) for code, stage in document.stages.items() for rule in stage.rules)


def compile_document(
    document: RuleSetDocument,
    schema: TenantSchema,
    registry: Mapping[str, RuleType[Any]],
    definitions: Sequence[Definition] = (),
) -> dict[str, list[Program]]:
    """The programs of each stage that has rules. The document has ids and no issues."""
    pipeline = next(one for one in schema.pipelines if one.code == document.pipeline)
    stages = {stage.code: stage for stage in pipeline.stages}
    names = value_types.names(pipeline.kind, schema, {}, definitions)

    def block(rule: RuleDocument) -> RuleBlock:
        params, _ = employee_refs.in_params(rule.params, registry[rule.type], schema, pipeline.kind)
        condition = rule.condition and employee_refs.in_condition(rule.condition, names, schema)[0]
        return _block(rule, registry[rule.type], params, condition)

    def program(code: str, number: int, chain: list[RuleDocument]) -> Program:
        return Program(
            stage=code,
            stage_name=stages[code].name,
            stage_position=stages[code].position,
            chain=number,
            parts=_parts(chain, registry),
            stored=_stored(chain, registry),
            root=Block(block="sequence", blocks=tuple(map(block, chain))),
        )

    return {
        code: [program(code, number, chain) for number, chain in enumerate(chains(stage.rules))]
        for code, stage in document.stages.items()
        if stage.rules
    }


def _parts(chain: list[RuleDocument], registry: Mapping[str, RuleType[Any]]) -> tuple[Part, ...]:
    read = _read(chain)
    own = {part for rule in chain for part in registry[rule.type].needs_with(rule.params)}
    timing = {part for rule in chain for part in parts_for(rule.run)}
    return tuple(sorted({*parts_of(read), *timing, *own}))


def _read(chain: list[RuleDocument]) -> set[str]:
    read = {path for rule in chain for path in paths_of(rule.params)}
    return read | {path for rule in chain if rule.condition for path in read_by(rule.condition)}


def _stored(chain: list[RuleDocument], registry: Mapping[str, RuleType[Any]]) -> bool:
    named = any(path.partition(".")[0] in ("var", "const") for path in _read(chain))
    return named or any(registry[rule.type].stores for rule in chain)


def _block(
    rule: RuleDocument, rule_type: RuleType[Any], params: Mapping[str, JsonValue], condition: Condition | None
) -> RuleBlock:
    return RuleBlock(
        rule_id=str(rule.id),
        name=rule.name,
        title=rule.title,
        type=rule.type,
        type_version=rule_type.version,
        params=params,
        run=rule.run,
        condition=condition,
        on_leave=rule.on_leave,
        on_failure=rule.on_failure,
        retry=rule.retry,
        otherwise=rule.execution == "else",
        enabled=rule.enabled,
    )
