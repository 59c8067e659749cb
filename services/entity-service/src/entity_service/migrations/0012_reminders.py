"""Which reminders of planned activities the engine waits for. What is sent, or not wanted any more, is not in it."""

from contracts.kit.database import policies, run_sql

revision = "0012"
down_revision = "0011"

TABLES = """
CREATE TABLE reminders (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    activity_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, activity_id, due_at),
    FOREIGN KEY (tenant_id, activity_id) REFERENCES planned_activities ON DELETE CASCADE
);
GRANT SELECT, INSERT, DELETE ON reminders TO entity_service_app;
"""


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies("reminders"))
