"""Variables and constants, and the values that variables were given."""

from contracts.kit.database import policies, run_sql

revision = "0006"
down_revision = "0005"

TABLES = """
CREATE TABLE variables (
    tenant_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('variable', 'constant')),
    code text NOT NULL,
    document jsonb NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, kind, code)
);
CREATE TABLE variable_values (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    owner_id uuid NOT NULL,
    value jsonb,
    version integer NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, code, owner_id)
);
CREATE INDEX variable_values_owner ON variable_values (tenant_id, owner_id);
GRANT SELECT, INSERT, UPDATE ON variables TO rule_engine_app;
GRANT SELECT, INSERT, UPDATE ON variable_values TO rule_engine_app;
"""


def upgrade() -> None:
    """Applies the revision."""
    run_sql(TABLES)
    run_sql(policies("variables", "variable_values"))
