"""The limits that the platform set for tenants, and the items that rules and triggers made, which are counted."""

from contracts.kit.database import run_sql
from contracts.kit.schema import quota_tables_v1

revision = "0005"
down_revision = "0004"

TABLES = """
CREATE TABLE automatic_items (
    tenant_id uuid NOT NULL,
    root text NOT NULL,
    item_id uuid NOT NULL,
    by_rule boolean NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, root, item_id)
);
CREATE INDEX automatic_items_by_rules ON automatic_items (tenant_id, made_at) WHERE by_rule;
CREATE INDEX automatic_items_oldest ON automatic_items (made_at);
ALTER TABLE automatic_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE automatic_items FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON automatic_items TO entity_service_app
    USING (tenant_id = ANY (current_setting('app.tenants')::uuid[]));
CREATE POLICY delivery ON automatic_items TO entity_service_delivery USING (true);
GRANT SELECT, INSERT ON automatic_items TO entity_service_app;
GRANT SELECT, DELETE ON automatic_items TO entity_service_delivery;
"""


def upgrade() -> None:
    run_sql(quota_tables_v1("entity-service"))
    run_sql(TABLES)
