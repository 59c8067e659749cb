"""One rule decides: its condition is evaluated, its texts are rendered, and what it answers is applied to the run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from pydantic import JsonValue, ValidationError

from contracts.budget import BudgetError, spending
from contracts.conditions import ConditionError, LeafVerdict, look_up
from contracts.contexts import ItemContext
from contracts.envelope import Body
from contracts.issues import issues_of
from contracts.messages.rule_events import RuleState
from rule_engine.domain.actions import ActionContext, Completed, Failure, Outputs, Params, Refusal
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.missing_outputs import explained
from rule_engine.domain.execution.program import Program, RuleBlock
from rule_engine.domain.execution.rescheduling import date_path, lacks_date
from rule_engine.domain.execution.running import Running
from rule_engine.domain.execution.state import Entry
from rule_engine.domain.execution.step import Decision, Emission, RunFacts
from rule_engine.domain.language.conditions import compiled
from rule_engine.domain.language.conditions import paths_of as paths_of_condition
from rule_engine.domain.language.limits import cut_texts, quotable, refuse_command, refuse_outputs
from rule_engine.domain.language.values import paths_of, resolve, values_of
from rule_engine.domain.language.variables import Assigned

type Answer = Body | Outputs | Completed | Refusal | Failure
"""What a rule type says when it acts."""


def decide(run: Running, rule: RuleBlock, entry: Entry, context: ItemContext, facts: RunFacts) -> None:
    """The rule acts, or not, on fresh values; one that was due on entry on the item as it was then."""
    fresh = _as_on_entry(context, entry, run.program) if rule.rule_id == run.state.due_on_entry else context
    steps = run.state.model_copy(update={"rules": run.rules}).outputs(run.program)
    seed = f"{facts.run_id}/{rule.rule_id}/{run.rules[rule.rule_id].attempt}"
    values = values_of(fresh, steps, run.now, run.stored) | {"seed": seed}
    _Deciding(run, rule, entry, fresh, facts, values).decide()


def _as_on_entry(context: ItemContext, entry: Entry, program: Program) -> ItemContext:
    """The item as it was on entry, everything else fresh."""
    stage = context.stage
    if stage is not None and stage.code != program.stage:
        stage = stage.model_copy(update={"code": program.stage, "name": program.stage_name})
    return context.model_copy(update={"item": entry.snapshot, "stage": stage})


@dataclass(slots=True)
class _Deciding:
    """A rule while it decides."""

    run: Running
    rule: RuleBlock
    entry: Entry
    context: ItemContext
    facts: RunFacts
    values: dict[str, Any]
    leaves: tuple[LeafVerdict, ...] = ()
    cut: str | None = None
    """What was left out of its texts, for people."""

    def decide(self) -> None:
        if lacks_date(self.rule, self.run.rules[self.rule.rule_id]):
            self._record("skipped", f"{date_path(self.rule)} is empty")
            return
        answer = self._answer()
        if answer is not None:
            self._apply(answer)

    def _answer(self) -> Answer | None:
        """What the rule type says; null when the condition is false, which is recorded."""
        try:
            with spending():
                return self._kept(self._act()) if self._condition_holds() else None
        except BudgetError as error:
            self.run.over_budget += 1
            return Failure(str(error))
        except (ConditionError, ValueFailureError) as error:
            states = {one.name: self.run.rules[one.rule_id].state for one in self.run.program.rules()}
            return Failure(explained(str(error), states))
        except ValidationError as error:
            return Failure(_misfits(error))
        except (ArithmeticError, RecursionError, ValueError) as error:
            return Failure(f"the rule cannot act on these values: {type(error).__name__}")

    def _condition_holds(self) -> bool:
        if self.rule.condition is None:
            return True
        verdict = compiled(self.rule.condition)(self.values)
        self.leaves = verdict.leaves
        if not verdict.holds:
            self.run.set(self.rule, condition_false=True)
            self._record("skipped", verdict.why_not())
        return verdict.holds

    def _act(self) -> Answer:
        rule, kind = self.rule, self.facts.registry.get(self.rule.type)
        if kind is None:
            return Failure(f"this engine knows no rule type {rule.type!r}")
        resolved = resolve(rule.params, self.values, kind.html_in(rule.params))
        resolved, self.cut = cut_texts(resolved, kind.cuts_in(resolved))
        params: Params = kind.params.model_validate(resolved)
        acting = ActionContext(
            context=self.context,
            now=self.run.now,
            stage=self.run.program.stage,
            actor=f"rule:{rule.name}",
            guard=None if self.run.stays(rule) else self.entry.entry_seq,
            entry_seq=self.entry.entry_seq,
            values=self.values,
            run_id=self.facts.run_id,
            stored=self.run.stored,
        )
        return kind.act(params, acting)

    def _kept(self, answer: Answer) -> Answer:
        """The answer, or a failure when it is one that could never be written."""
        match answer:
            case Completed(outputs=outputs) | (Outputs() as outputs):
                refusal = outputs_refusal(self.run, self.rule, outputs.model_dump(mode="json"))
            case Body():
                refusal = refuse_command(answer)
            case _:
                refusal = None
        return answer if refusal is None else Failure(refusal)

    def _apply(self, answer: Answer) -> None:
        match answer:
            case Refusal(reason=reason):
                self._record("refused", reason)
            case Failure(reason=reason):
                self._record("failed", reason)
            case Completed(outputs=outputs, assigned=assigned):
                self._assign(assigned)
                self._apply(outputs)
            case Outputs():
                self.run.set(self.rule, outputs=answer.model_dump(mode="json"))
                self._record("done", None)
            case _:
                self._emit(answer)

    def _assign(self, assigned: tuple[Assigned, ...]) -> None:
        """Rules after this one read the new values."""
        for one in assigned:
            self.run.stored = self.run.stored.with_value(one.code, one.value)
        self.run.assigned += assigned

    def _emit(self, body: Body) -> None:
        run = self.run
        command_id = uuid5(self.facts.run_id, f"{run.step}/{run.rules[self.rule.rule_id].attempt}")
        run.step += 1
        run.emissions.append(Emission(self.rule, command_id, body))
        run.set(self.rule, command_id=command_id)
        self._record("running", None, command_id)

    def _record(self, state: RuleState, reason: str | None, command_id: UUID | None = None) -> None:
        rule = self.rule
        read = paths_of(rule.params) | (paths_of_condition(rule.condition) if rule.condition else frozenset())
        seen = quotable({path: look_up(self.values, path.split(".")) for path in sorted(read)})
        self.run.set(rule, state=state, reason=reason or self.cut)
        kept_reason = self.run.rules[rule.rule_id].reason
        self.run.decisions.append(Decision(rule, state, kept_reason, seen, self.leaves, command_id))


def outputs_refusal(run: Running, rule: RuleBlock, outputs: Mapping[str, JsonValue]) -> str | None:
    """Why outputs of a rule cannot be kept, if so."""
    others = (progress.outputs for id, progress in run.rules.items() if id != rule.rule_id)
    return refuse_outputs(outputs, others)


def _misfits(error: ValidationError) -> str:
    """Which parameters do not have the type they need, without their values."""
    return "; ".join(f"params.{where}: {what}" for where, what in issues_of(error)[:5])
