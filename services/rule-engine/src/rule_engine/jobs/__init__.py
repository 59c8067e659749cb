"""Slow work, a kind a file."""

from rule_engine.jobs.backfills import BackfillJob
from rule_engine.jobs.canaries import CanaryJob
from rule_engine.jobs.counting import Counting
from rule_engine.jobs.forgetting import Forgetting
from rule_engine.jobs.migrations import MigrationJob
from rule_engine.jobs.workflows import ReplaceJob, StartJob

__all__ = ["BackfillJob", "CanaryJob", "Counting", "Forgetting", "MigrationJob", "ReplaceJob", "StartJob"]
