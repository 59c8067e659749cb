"""The traces that a run goes on in: that of its entry, and one more for every long wait and every operator's action."""

from contracts.kit.database import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Applies the revision."""
    run_sql("ALTER TABLE runs ADD COLUMN last_traceparent text, ADD COLUMN trace_ids text[] NOT NULL DEFAULT '{}'")
