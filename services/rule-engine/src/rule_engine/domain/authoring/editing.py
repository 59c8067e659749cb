"""Changes of rule sets that authors make without writing them: rules switched on and off, rules copied."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.issues import unknown
from rule_engine.domain.actions import Place
from rule_engine.domain.authoring.document import RuleDocument, RuleSetDocument, StageDocument
from rule_engine.domain.errors import EngineError
from rule_engine.domain.execution.program import AnyBlock, Program, RuleBlock

MAX_NAME = 64


class NotThereError(EngineError):
    """A stage or rule that a change names is not in the rule set; the text says so, for people."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(what)
        self.where = where


@dataclass(frozen=True, slots=True)
class Copying:
    """Which rules of a stage are copied, and into which stage; `names` null: all of them."""

    stage: str
    to_stage: str
    names: tuple[str, ...] | None = None


def switched(document: RuleSetDocument, rules: Sequence[Place], enabled: bool) -> RuleSetDocument:
    """The document with rules (stage, name) switched on or off. Raises `NotThereError`."""
    for index, (stage, name) in enumerate(rules):
        named(document, stage, name, f"rules[{index}]")
    return switched_where_known(document, rules, enabled)


def switched_where_known(document: RuleSetDocument, rules: Collection[Place], enabled: bool) -> RuleSetDocument:
    """The same, but rules that are not there are passed over."""

    def one(stage: str, rule: RuleDocument) -> RuleDocument:
        return rule.model_copy(update={"enabled": enabled}) if (stage, rule.name) in rules else rule

    stages = {
        code: stage.model_copy(update={"rules": tuple(one(code, rule) for rule in stage.rules)})
        for code, stage in document.stages.items()
    }
    return document.model_copy(update={"stages": stages})


def named(document: RuleSetDocument, stage: str, name: str, where: str) -> RuleDocument:
    """The rule of that name. Raises `NotThereError`."""
    found = document.stages.get(stage)
    if found is None:
        raise NotThereError(f"{where}.stage", unknown("stage with rules", stage, document.stages))
    rule = next((one for one in found.rules if one.name == name), None)
    if rule is None:
        known = [one.name for one in found.rules]
        raise NotThereError(f"{where}.name", unknown("rule", name, known, f"in stage {stage!r}"))
    return rule


def switched_programs(programs: Mapping[str, Sequence[Program]], document: RuleSetDocument) -> dict[str, list[Program]]:
    """Programs with the switches of a document, and else as they are."""
    enabled = {str(rule.id): rule.enabled for stage in document.stages.values() for rule in stage.rules}
    return {stage: [_with_switches(program, enabled) for program in some] for stage, some in programs.items()}


def _with_switches(program: Program, enabled: Mapping[str, bool]) -> Program:
    def switched(block: AnyBlock) -> AnyBlock:
        if isinstance(block, RuleBlock):
            return block.model_copy(update={"enabled": enabled[block.rule_id]})
        return block.model_copy(update={"blocks": tuple(map(switched, block.blocks))})

    return Program.model_validate(dict(program) | {"root": switched(program.root)})


def with_copies(target: RuleSetDocument, source: RuleSetDocument, copying: Copying) -> RuleSetDocument:
    """`target` with copies of rules of `source` at the end of a stage.

    Copies get names of their own where theirs are taken, and name each other by those. They begin a chain of their own.
    Raises `NotThereError`.
    """
    rules = _chosen(source, copying)
    present = target.stages.get(copying.to_stage, StageDocument())
    names = _free_names([rule.name for rule in rules], {rule.name for rule in present.rules})
    copies = [_copy(rule, names) for rule in rules]
    copies[:1] = [one.model_copy(update={"execution": "parallel"}) for one in copies[:1]]
    stage = StageDocument.model_validate({"rules": (*present.rules, *copies)})
    return target.model_copy(update={"stages": {**target.stages, copying.to_stage: stage}})


def _chosen(source: RuleSetDocument, copying: Copying) -> list[RuleDocument]:
    stage = source.stages.get(copying.stage)
    if stage is None or not stage.rules:
        raise NotThereError("stage", unknown("stage with rules", copying.stage, source.stages))
    for index, name in enumerate(copying.names or ()):
        named(source, copying.stage, name, f"rules[{index}]")
    return [rule for rule in stage.rules if copying.names is None or rule.name in copying.names]


def _free_names(wanted: Sequence[str], taken: Collection[str]) -> dict[str, str]:
    """A name for each: its own, else `name_2`, `name_3`, …."""
    found: dict[str, str] = {}
    for name in wanted:
        number, free = 1, name
        while free in taken or free in found.values() or (free != name and free in wanted):
            number += 1
            free = f"{name[: MAX_NAME - len(str(number)) - 1]}_{number}"
        found[name] = free
    return found


def _copy(rule: RuleDocument, names: Mapping[str, str]) -> RuleDocument:
    content = rule.model_dump(mode="json", by_alias=True, exclude={"id"}, exclude_unset=True)
    renamed = _renamed({key: content[key] for key in content if key in ("params", "condition")}, names)
    return RuleDocument.model_validate(content | renamed | {"name": names[rule.name]})


_STEP = re.compile(r"""\bsteps(\.|\[\s*["'])([a-z][a-z0-9_]*)""")


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Texts and paths that name the outputs of copied rules, by their new names."""
    match value:
        case str():
            return _STEP.sub(lambda found: f"steps{found[1]}{names.get(found[2], found[2])}", value)
        case dict():
            return {key: _renamed(inner, names) for key, inner in value.items()}
        case list():
            return [_renamed(inner, names) for inner in value]
        case _:
            return value
