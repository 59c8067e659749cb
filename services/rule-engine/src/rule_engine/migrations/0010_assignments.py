"""Assignments that workflows give to employees."""

from contracts.kit.database import run_sql

revision = "0010"
down_revision = "0009"

TABLES = """
CREATE TABLE assignments (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    step integer NOT NULL,
    item_id uuid NOT NULL,
    workflow text NOT NULL,
    block text NOT NULL,
    asked uuid NOT NULL,
    assignee uuid NOT NULL,
    ask jsonb NOT NULL,
    due_at timestamptz,
    state text NOT NULL CHECK (state IN ('open', 'answered', 'withdrawn')),
    answer jsonb,
    answered_by text,
    reminders integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs (tenant_id, id),
    CHECK ((state = 'answered') = (answer IS NOT NULL AND answered_by IS NOT NULL)),
    CHECK ((state = 'open') = (ended_at IS NULL))
);
CREATE INDEX assignments_inbox ON assignments (tenant_id, assignee, created_at, id);
CREATE INDEX assignments_all ON assignments (tenant_id, created_at, id);
CREATE INDEX assignments_open ON assignments (created_at) WHERE state = 'open';
CREATE INDEX assignments_run ON assignments (tenant_id, run_id, step);

ALTER TABLE assignments ENABLE ROW LEVEL SECURITY;
ALTER TABLE assignments FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON assignments TO rule_engine_app
    USING (tenant_id = ANY (current_setting('app.tenants')::uuid[]));
CREATE POLICY counting ON assignments TO rule_engine_delivery USING (true);
GRANT SELECT, INSERT, UPDATE ON assignments TO rule_engine_app;
GRANT SELECT (state, created_at) ON assignments TO rule_engine_delivery;
"""


def upgrade() -> None:
    """Applies the revision."""
    run_sql(TABLES)
