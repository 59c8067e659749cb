"""Lists whose fields authors define, and their rows."""

from contracts.kit.database import policies, run_sql

revision = "0017"
down_revision = "0013"

TABLES = """
CREATE TABLE lists (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    title text NOT NULL,
    fields jsonb NOT NULL,
    archived boolean NOT NULL,
    PRIMARY KEY (tenant_id, code)
);
GRANT SELECT, INSERT, UPDATE ON lists TO entity_service_app;

CREATE TABLE list_rows (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    list text NOT NULL,
    "values" jsonb NOT NULL,
    version integer NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, list) REFERENCES lists
);
CREATE INDEX list_rows_list ON list_rows (tenant_id, list, id);
GRANT SELECT, INSERT, UPDATE, DELETE ON list_rows TO entity_service_app;
"""


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies("lists", "list_rows"))
