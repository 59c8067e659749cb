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
from rule_engine.domain.execution.item_values import ItemValues
from rule_engine.domain.execution.missing_outputs import explained
from rule_engine.domain.execution.program import RuleBlock
from rule_engine.domain.execution.rescheduling import date_path, lacks_date
from rule_engine.domain.execution.running import Running
from rule_engine.domain.execution.step import Decision, Emission
from rule_engine.domain.language.conditions import compiled
from rule_engine.domain.language.limits import cut_texts, quotable, refuse_command, refuse_outputs
from rule_engine.domain.language.values import resolve
from rule_engine.domain.language.variables import Assigned

type Answer = Body | Outputs | Completed | Refusal | Failure
"""What a rule type says when it acts."""


def decide(run: Running, step: int, values: ItemValues) -> None:
    """The rule acts, or not, on fresh values; one that was due on entry on the item as it was then."""
    one = run.executions[step]
    on_entry = one.rule_id == run.state.due_on_entry
    seed = f"{values.facts.run_id}/{step}/{one.attempt}"
    named = values.inside(run, one.parent, on_entry=on_entry) | {"seed": seed}
    _Deciding(run, step, run.rule(step), values, values.item(run.program, on_entry=on_entry), named).decide()


@dataclass(slots=True)
class _Deciding:
    """A rule while it decides."""

    run: Running
    step: int
    rule: RuleBlock
    known: ItemValues
    context: ItemContext
    values: dict[str, Any]
    leaves: tuple[LeafVerdict, ...] = ()
    cut: str | None = None
    """What was left out of its texts, for people."""

    def decide(self) -> None:
        if lacks_date(self.rule, self.run.executions[self.step]):
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
            return Failure(explained(str(error), self._states()))
        except ValidationError as error:
            return Failure(_misfits(error))
        except (ArithmeticError, RecursionError, ValueError) as error:
            return Failure(f"the rule cannot act on these values: {type(error).__name__}")

    def _states(self) -> dict[str, RuleState]:
        """Of the rules that the run knows of, by name."""
        executions = sorted(self.run.executions.items())
        return {self.run.rule(step).name: one.state for step, one in executions}

    def _condition_holds(self) -> bool:
        if self.rule.condition is None:
            return True
        verdict = compiled(self.rule.condition)(self.values)
        self.leaves = verdict.leaves
        if not verdict.holds:
            self.run.set(self.step, condition_false=True)
            self._record("skipped", verdict.why_not())
        return verdict.holds

    def _act(self) -> Answer:
        rule, kind = self.rule, self.known.facts.registry.get(self.rule.type)
        if kind is None:
            return Failure(f"this engine knows no rule type {rule.type!r}")
        resolved = resolve(rule.params, self.values, kind.html_in(rule.params))
        resolved, self.cut = cut_texts(resolved, kind.cuts_in(resolved))
        params: Params = kind.params.model_validate(resolved)
        in_stage = self.run.program.workflow is None
        entry_seq = self.known.entry.entry_seq if in_stage else self.context.item.entry_seq
        acting = ActionContext(
            context=self.context,
            now=self.run.now,
            stage=self.run.program.stage if in_stage else self.context.item.stage,
            actor=f"rule:{rule.name}" if in_stage else f"workflow:{self.run.program.workflow}/{rule.name}",
            guard=entry_seq if in_stage and not self.run.stays(rule) else None,
            entry_seq=entry_seq,
            values=self.values,
            run_id=self.known.facts.run_id,
            rule_id=rule.rule_id,
            stored=self.run.stored,
        )
        return kind.act(params, acting)

    def _kept(self, answer: Answer) -> Answer:
        """The answer, or a failure when it is one that could never be written."""
        match answer:
            case Completed(outputs=outputs) | (Outputs() as outputs):
                refusal = outputs_refusal(self.run, self.step, outputs.model_dump(mode="json"))
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
                self.run.set(self.step, outputs=answer.model_dump(mode="json"))
                self._record("done", None)
            case _:
                self._emit(answer)

    def _assign(self, assigned: tuple[Assigned, ...]) -> None:
        """Rules after this one read the new values."""
        for one in assigned:
            self.run.stored = self.run.stored.with_value(one.code, one.value)
        self.run.assigned += assigned

    def _emit(self, body: Body) -> None:
        attempt = self.run.executions[self.step].attempt
        command_id = uuid5(self.known.facts.run_id, f"step/{self.step}/{attempt}")
        self.run.emissions.append(Emission(self.rule, self.step, command_id, body))
        self.run.set(self.step, command_id=command_id)
        self._record("running", None, command_id)

    def _record(self, state: RuleState, reason: str | None, command_id: UUID | None = None) -> None:
        rule = self.rule
        seen = quotable({path: look_up(self.values, keys) for path, keys in rule.reads.items()})
        kept = self.run.set(self.step, state=state, reason=reason or self.cut)
        self.run.decisions.append(Decision(rule, self.step, state, kept.reason, seen, self.leaves, command_id))
        if kept.ended:
            self.run.hand_over(self.step)


def outputs_refusal(run: Running, step: int, outputs: Mapping[str, JsonValue]) -> str | None:
    """Why outputs of a rule cannot be kept, if so."""
    if not outputs:
        return None
    others = [one.outputs for other, one in run.executions.items() if other != step and one.outputs]
    handed_on = [given for frame in run.frames.values() for given in frame.outputs.values()]
    return refuse_outputs(outputs, [*others, *handed_on])


def _misfits(error: ValidationError) -> str:
    """Which parameters do not have the type they need, without their values."""
    return "; ".join(f"params.{where}: {what}" for where, what in issues_of(error)[:5])
