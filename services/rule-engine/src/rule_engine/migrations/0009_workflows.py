"""Workflows, their versions, starts of workflows that are asked for, and runs that may not go on side by side."""

from contracts.kit.database import policies, run_sql
from rule_engine.store.schema import versions_v1

revision = "0009"
down_revision = "0008"

AUTORUN = """autorun boolean GENERATED ALWAYS AS (coalesce((document->'autorun'->>'on_create')::boolean, false)
        OR coalesce((document->'autorun'->>'on_change')::boolean, false)) STORED"""

TABLES = """
CREATE TABLE workflows (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    archived boolean NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, code)
);
CREATE TABLE workflow_starts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    item_id uuid NOT NULL,
    workflow text NOT NULL,
    parameters jsonb NOT NULL,
    started_by text NOT NULL,
    correlation text NOT NULL,
    causepath text NOT NULL,
    root text NOT NULL,
    how text NOT NULL,
    wait_for_end boolean NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE keyed_runs (
    tenant_id uuid NOT NULL,
    workflow text NOT NULL,
    key text NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    run_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, run_id)
);
CREATE UNIQUE INDEX keyed_runs_line ON keyed_runs (tenant_id, workflow, key, number);

GRANT SELECT, INSERT, UPDATE ON workflows TO rule_engine_app;
GRANT SELECT, INSERT, DELETE ON workflow_starts, keyed_runs TO rule_engine_app;
"""


def upgrade() -> None:
    """Applies the revision."""
    run_sql(TABLES)
    run_sql(versions_v1("workflow", AUTORUN))
    run_sql(policies("workflows", "workflow_versions", "workflow_starts", "keyed_runs"))
