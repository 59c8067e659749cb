"""Secret addresses at which calendar programs read an employee's calendar."""

from contracts.kit.database import policies, run_sql

revision = "0011"
down_revision = "0010"

TABLES = """
CREATE TABLE calendar_feeds (
    tenant_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    employee_id uuid NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, employee_id) REFERENCES employees
);
CREATE INDEX calendar_feeds_employee ON calendar_feeds (tenant_id, employee_id) WHERE revoked_at IS NULL;

-- A calendar program names no tenant: this table says whose feed it is. It has no policy; the app role can only add.
CREATE TABLE feed_tokens (
    token_hash bytea PRIMARY KEY,
    tenant_id uuid NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON calendar_feeds TO entity_service_app;
GRANT INSERT ON feed_tokens TO entity_service_app;
GRANT SELECT ON feed_tokens TO entity_service_delivery;
"""


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies("calendar_feeds"))
