"""What employees plan to do about items, and rooms and resources that are booked for it."""

from contracts.kit.database import policies, run_sql

revision = "0009"
down_revision = "0008"

TABLES = """
CREATE TABLE planned_activities (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    item_id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    deadline timestamptz,
    minutes integer NOT NULL,
    reminders integer[] NOT NULL,
    responsible_id uuid NOT NULL,
    colour text,
    add_to_calendar boolean NOT NULL,
    guests uuid[] NOT NULL,
    contact_ids uuid[] NOT NULL,
    address text NOT NULL,
    room text,
    link text,
    files jsonb NOT NULL,
    complete_on_leave boolean NOT NULL,
    stage text NOT NULL,
    status text NOT NULL,
    version integer NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    completed_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, item_id) REFERENCES items ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, responsible_id) REFERENCES employees
);
CREATE INDEX planned_activities_item ON planned_activities (tenant_id, item_id, id);
CREATE INDEX planned_activities_calendar ON planned_activities (tenant_id, deadline) WHERE add_to_calendar;
CREATE INDEX planned_activities_open ON planned_activities (tenant_id) WHERE status = 'open';

CREATE TABLE resources (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    location text NOT NULL,
    archived boolean NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    PRIMARY KEY (tenant_id, kind, code)
);

-- Nobody can book what is booked: the ranges of one number are its own, and two of one number may not overlap in time.
-- A range of one number takes the place of the number itself, which GiST compares only with an extension.
CREATE TABLE bookings (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    resource text NOT NULL,
    number bigint NOT NULL,
    during tstzrange NOT NULL,
    item_id uuid NOT NULL,
    activity_id uuid,
    employee_id uuid,
    service text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, kind, resource) REFERENCES resources,
    FOREIGN KEY (tenant_id, item_id) REFERENCES items ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, activity_id) REFERENCES planned_activities ON DELETE CASCADE,
    CHECK (NOT isempty(during)),
    EXCLUDE USING gist (int8range(number, number, '[]') WITH =, during WITH &&)
);
CREATE INDEX bookings_item ON bookings (tenant_id, item_id, id);
CREATE INDEX bookings_activity ON bookings (tenant_id, activity_id);
CREATE INDEX bookings_employee ON bookings (tenant_id, employee_id);
"""
OWNED = ("planned_activities", "resources", "bookings")


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies(*OWNED))
    run_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(OWNED)} TO entity_service_app")
