"""The durable part: an execution starts when a run is due, advances it once, and ends."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from rule_engine.activities import Activities, RunRef

PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


@workflow.defn(name="RuleRun")
class RuleRunWorkflow:
    """One generation of a run: it starts when the run is due, advances it once and ends."""

    @workflow.run
    async def run(self, ref: RunRef) -> None:
        await workflow.execute_local_activity_method(
            Activities.advance_run,
            ref,
            start_to_close_timeout=timedelta(seconds=60),
            retry_policy=PATIENT,
            local_retry_threshold=timedelta(seconds=2),  # longer pauses are Temporal's timers: they hold no slot
        )
