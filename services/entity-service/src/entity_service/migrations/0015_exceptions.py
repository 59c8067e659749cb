"""Phone numbers and e-mail addresses that make no items any more."""

from contracts.kit.database import policies, run_sql

revision = "0015"
down_revision = "0018"

TABLES = """
CREATE TABLE exceptions (
    tenant_id uuid NOT NULL,
    address text NOT NULL,
    note text NOT NULL,
    added_by text NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, address)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON exceptions TO entity_service_app;
"""


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies("exceptions"))
