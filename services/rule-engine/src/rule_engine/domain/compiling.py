"""From the document that authors write to the programs that runs are made of."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from contracts.contexts import Part, TenantSchema
from rule_engine.domain.conditions import paths_of as read_by
from rule_engine.domain.document import RuleDocument, RuleSetDocument
from rule_engine.domain.due import parts_for
from rule_engine.domain.program import Program, RuleBlock, SequenceBlock, chains
from rule_engine.domain.values import parts_of, paths_of
from rule_engine.rules.base import RuleType, literal

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


def _rules(document: RuleSetDocument) -> Iterator[tuple[str, RuleDocument]]:
    return ((code, rule) for code, stage in document.stages.items() for rule in stage.rules)


def with_employees(
    params: Mapping[str, JsonValue], rule_type: RuleType[Any], schema: TenantSchema
) -> tuple[dict[str, JsonValue], list[tuple[str, str]]]:
    """Parameters with ids for the codes of employees; and where a code is nobody's."""
    ids = {one.code: str(one.id) for one in schema.employees} | {str(one.id): str(one.id) for one in schema.employees}
    strangers: list[tuple[str, str]] = []

    def looked_up(value: JsonValue, where: str) -> JsonValue:
        if isinstance(value, list):
            return [looked_up(one, f"{where}[{index}]") for index, one in enumerate(value)]
        code = literal(value)
        if code is not None and code not in ids:
            strangers.append((where, code))
        return value if code is None else ids.get(code, code)

    found = _employees_in(rule_type)
    return {name: looked_up(value, name) if name in found else value for name, value in params.items()}, strangers


@cache
def _employees_in(rule_type: RuleType[Any]) -> frozenset[str]:
    """The parameters that name employees."""
    properties = rule_type.params.model_json_schema()["properties"]
    return frozenset(name for name, one in properties.items() if _is_employee(one))


def _is_employee(schema: Mapping[str, Any]) -> bool:
    inside = [schema["items"]] if "items" in schema else schema.get("anyOf", ())
    return schema.get("refers") == "employee" or any(_is_employee(one) for one in inside)


def compile_document(
    document: RuleSetDocument, schema: TenantSchema, registry: Mapping[str, RuleType[Any]]
) -> dict[str, list[Program]]:
    """The programs of each stage that has rules. The document has ids and no faults."""
    pipeline = next(one for one in schema.pipelines if one.code == document.pipeline)
    stages = {stage.code: stage for stage in pipeline.stages}

    def program(code: str, number: int, chain: list[RuleDocument]) -> Program:
        return Program(
            stage=code,
            stage_name=stages[code].name,
            stage_position=stages[code].position,
            chain=number,
            parts=_parts(chain, registry),
            stored=_stored(chain, registry),
            root=SequenceBlock(blocks=tuple(_block(rule, registry[rule.type], schema) for rule in chain)),
        )

    return {
        code: [program(code, number, chain) for number, chain in enumerate(chains(stage.rules))]
        for code, stage in document.stages.items()
        if stage.rules
    }


def _parts(chain: list[RuleDocument], registry: Mapping[str, RuleType[Any]]) -> tuple[Part, ...]:
    read = _read(chain)
    timing = {part for rule in chain for part in parts_for(rule.run)}
    return tuple(sorted({*parts_of(read), *timing, *(part for rule in chain for part in registry[rule.type].needs)}))


def _read(chain: list[RuleDocument]) -> set[str]:
    read = {path for rule in chain for path in paths_of(rule.params)}
    return read | {path for rule in chain if rule.condition for path in read_by(rule.condition)}


def _stored(chain: list[RuleDocument], registry: Mapping[str, RuleType[Any]]) -> bool:
    named = any(path.partition(".")[0] in ("var", "const") for path in _read(chain))
    return named or any(registry[rule.type].stores for rule in chain)


def _block(rule: RuleDocument, rule_type: RuleType[Any], schema: TenantSchema) -> RuleBlock:
    return RuleBlock(
        rule_id=str(rule.id),
        name=rule.name,
        title=rule.title,
        type=rule.type,
        type_version=rule_type.version,
        params=with_employees(rule.params, rule_type, schema)[0],
        run=rule.run,
        condition=rule.condition,
        on_leave=rule.on_leave,
        on_failure=rule.on_failure,
        retry=rule.retry,
        otherwise=rule.execution == "else",
        enabled=rule.enabled,
    )
