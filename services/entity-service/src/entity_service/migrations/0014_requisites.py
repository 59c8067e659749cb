"""Requisites of contacts, companies and the tenant's own companies."""

from contracts.kit.database import policies, run_sql

revision = "0014"
down_revision = "0012"

TABLES = """
ALTER TABLE contacts ADD COLUMN requisites jsonb NOT NULL DEFAULT '{}';
ALTER TABLE companies ADD COLUMN requisites jsonb NOT NULL DEFAULT '{}';

CREATE TABLE my_companies (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    is_default boolean NOT NULL,
    archived boolean NOT NULL,
    requisites jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, code)
);
CREATE UNIQUE INDEX my_companies_default ON my_companies (tenant_id) WHERE is_default;
GRANT SELECT, INSERT, UPDATE ON my_companies TO entity_service_app;
"""


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies("my_companies"))
