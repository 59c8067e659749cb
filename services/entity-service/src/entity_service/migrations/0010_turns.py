"""Whose turn it was among employees to whom a rule gives items in order."""

from contracts.kit.database import policies, run_sql

revision = "0010"
down_revision = "0009"

TABLES = """
CREATE TABLE turns (
    tenant_id uuid NOT NULL,
    of text NOT NULL,
    last_id uuid,
    PRIMARY KEY (tenant_id, of)
);
"""


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies("turns"))
    run_sql("GRANT SELECT, INSERT, UPDATE ON turns TO entity_service_app")
