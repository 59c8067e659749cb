"""Types of items that authors define."""

from contracts.kit.database import policies, run_sql

revision = "0016"
down_revision = "0014"

TABLES = """
CREATE TABLE item_types (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    title jsonb NOT NULL,
    has_clients boolean NOT NULL,
    has_products boolean NOT NULL,
    archived boolean NOT NULL,
    PRIMARY KEY (tenant_id, code)
);
GRANT SELECT, INSERT, UPDATE ON item_types TO entity_service_app;
"""


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies("item_types"))
