"""Who wants no messages, by address: a copy of what comms-service keeps."""

from contracts.kit.database import policies, run_sql

revision = "0006"
down_revision = "0005"

TABLES = """
CREATE TABLE consents (
    tenant_id uuid NOT NULL,
    address text NOT NULL,
    version integer NOT NULL,
    opted_out boolean NOT NULL,
    source text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, address)
);
GRANT SELECT, INSERT, UPDATE ON consents TO entity_service_app;
"""


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies("consents"))
