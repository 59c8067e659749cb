"""Working time: the company's calendar, employees' schedules with absences and clock-in, clients' time zones."""

from contracts.kit.database import policies, run_sql

revision = "0003"
down_revision = "0002"

TABLES = """
CREATE TABLE calendars (
    tenant_id uuid PRIMARY KEY,
    calendar jsonb NOT NULL
);
CREATE TABLE schedules (
    tenant_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    schedule jsonb NOT NULL,
    tracked boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, employee_id),
    FOREIGN KEY (tenant_id, employee_id) REFERENCES employees
);
CREATE TABLE presences (
    tenant_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    at_work boolean NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, employee_id),
    FOREIGN KEY (tenant_id, employee_id) REFERENCES employees
);
ALTER TABLE contacts ADD COLUMN time_zone text;
"""

OWNED = ("calendars", "schedules", "presences")


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies(*OWNED))
    run_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(OWNED)} TO entity_service_app")
