"""Domains that a tenant may send from: shown by DNS, or vouched for by the platform."""

from contracts.kit.database import policies, run_sql

revision = "0004"
down_revision = "0003"

TABLES = """
CREATE TABLE sender_domains (
    tenant_id uuid NOT NULL,
    domain text NOT NULL,
    challenge text NOT NULL,
    added_by text NOT NULL,
    added_at timestamptz NOT NULL,
    checked_by text,
    checked_at timestamptz,
    proven_at timestamptz,
    vouched_by text,
    vouched_at timestamptz,
    PRIMARY KEY (tenant_id, domain)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON sender_domains TO comms_service_app;
"""


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies("sender_domains"))
