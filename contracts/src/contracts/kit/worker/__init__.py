"""Leased work: a handler records slow work, a worker does it outside of any consumer's transaction.

A row of `work` is leased for a while; the job does the slow thing and then, in one transaction, completes the row
and stores the outcome. A worker that is killed loses its lease, and another does the job again: so a job must be able
to find out, or make sure by an idempotency key, that the effect exists already.
"""

from contracts.kit.worker.leasing import LEASE_ONE
from contracts.kit.worker.task import Job, Task, cancel, enqueue
from contracts.kit.worker.worker import LEASE, Worker

__all__ = ["LEASE", "LEASE_ONE", "Job", "Task", "Worker", "cancel", "enqueue"]
