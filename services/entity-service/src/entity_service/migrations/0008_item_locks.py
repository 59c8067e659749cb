"""Locks of items by runs of workflows: those that hold one, and those that wait for it."""

from contracts.kit.database import run_sql

revision = "0008"
down_revision = "0007"

TABLES = """
CREATE TABLE item_locks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    item_id uuid NOT NULL,
    run_id uuid NOT NULL,
    workflow text NOT NULL,
    asked_at timestamptz NOT NULL,
    since timestamptz,
    until timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, item_id) REFERENCES items ON DELETE CASCADE,
    CHECK ((since IS NULL) = (until IS NULL))
);
CREATE INDEX item_locks_item ON item_locks (tenant_id, item_id, asked_at, id);
CREATE INDEX item_locks_until ON item_locks (until) WHERE until IS NOT NULL;
ALTER TABLE item_locks ENABLE ROW LEVEL SECURITY;
ALTER TABLE item_locks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON item_locks TO entity_service_app
    USING (tenant_id = ANY (current_setting('app.tenants')::uuid[]));
CREATE POLICY delivery ON item_locks TO entity_service_delivery USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON item_locks TO entity_service_app;
GRANT SELECT ON item_locks TO entity_service_delivery;
"""


def upgrade() -> None:
    run_sql(TABLES)
