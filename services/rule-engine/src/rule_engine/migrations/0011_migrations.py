"""Requests that waiting runs go on in another version, and what became of each run."""

from contracts.kit.database import policies, run_sql

revision = "0011"
down_revision = "0010"

TABLES = """
CREATE TABLE migrations (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    code text NOT NULL,
    workflow boolean NOT NULL,
    version integer NOT NULL,
    dry_run boolean NOT NULL,
    runs uuid[],
    versions integer[],
    stages text[],
    status text NOT NULL CHECK (status IN ('planned', 'running', 'done', 'cancelled', 'failed')),
    reason text,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    waiting integer NOT NULL,
    migrated integer NOT NULL DEFAULT 0,
    left_alone integer NOT NULL DEFAULT 0,
    last_item uuid,
    last_run uuid,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CHECK ((status IN ('done', 'cancelled', 'failed')) = (ended_at IS NOT NULL))
);
CREATE INDEX migrations_code ON migrations (tenant_id, workflow, code, id);

CREATE TABLE migrated_runs (
    tenant_id uuid NOT NULL,
    migration_id uuid NOT NULL,
    run_id uuid NOT NULL,
    item_id uuid NOT NULL,
    stage text NOT NULL,
    from_version integer NOT NULL,
    moves boolean NOT NULL,
    reason text,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, migration_id, run_id),
    FOREIGN KEY (tenant_id, migration_id) REFERENCES migrations (tenant_id, id),
    CHECK (moves = (reason IS NULL))
);
CREATE INDEX migrated_runs_run ON migrated_runs (tenant_id, run_id);
CREATE INDEX migrated_runs_age ON migrated_runs USING brin (at);
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE ON migrations TO rule_engine_app;
GRANT SELECT, INSERT ON migrated_runs TO rule_engine_app;
GRANT SELECT (ctid, at), DELETE ON migrated_runs TO rule_engine_delivery;
CREATE POLICY forgetting ON migrated_runs TO rule_engine_delivery USING (true);
"""


def upgrade() -> None:
    """Applies the revision."""
    run_sql(TABLES)
    run_sql(policies("migrations", "migrated_runs"))
    run_sql(GRANTS)
