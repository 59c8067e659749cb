"""Channels, opt-outs, messages with attempts, history, notifications."""

from contracts.kit.database import policies, run_sql
from contracts.kit.schema import delivery_tables_v1

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE channels (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    sender_address text,
    sender_name text NOT NULL,
    is_default boolean NOT NULL,
    archived boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, code)
);
CREATE UNIQUE INDEX channels_default ON channels (tenant_id, kind) WHERE is_default;

CREATE TABLE opt_outs (
    tenant_id uuid NOT NULL,
    address text NOT NULL,
    version integer NOT NULL,
    opted_out boolean NOT NULL,
    source text NOT NULL,
    note text NOT NULL,
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, address)
);

CREATE TABLE messages (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    command_id uuid NOT NULL,
    item_id uuid NOT NULL,
    contact_id uuid,
    kind text NOT NULL,
    channel text NOT NULL,
    sender_address text,
    sender_name text NOT NULL,
    to_address text NOT NULL,
    to_name text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    html text,
    attachments jsonb NOT NULL,
    sent_by text NOT NULL,
    status text NOT NULL,
    reason text,
    cancel_asked boolean NOT NULL,
    correlation text NOT NULL,
    causepath text NOT NULL,
    root text NOT NULL,
    traceparent text,
    created_at timestamptz NOT NULL,
    opted_out_at timestamptz,
    UNIQUE (tenant_id, command_id)
);
CREATE INDEX messages_newest ON messages (tenant_id, created_at DESC, id DESC);
CREATE INDEX messages_to_address ON messages (tenant_id, to_address, created_at);
CREATE INDEX messages_of_item ON messages (tenant_id, item_id, created_at DESC, id DESC);

-- A receipt arrives without a tenant; this table, which holds nothing else, says whose it is. It has no policy.
CREATE TABLE message_tenants (
    message_id uuid PRIMARY KEY,
    tenant uuid NOT NULL
);

CREATE TABLE message_statuses (
    tenant_id uuid NOT NULL,
    message_id uuid NOT NULL REFERENCES messages (id),
    number bigint GENERATED ALWAYS AS IDENTITY,
    status text NOT NULL,
    reason text,
    at timestamptz NOT NULL,
    PRIMARY KEY (message_id, status)
);

CREATE TABLE attempts (
    tenant_id uuid NOT NULL,
    message_id uuid NOT NULL REFERENCES messages (id),
    number integer NOT NULL,
    lease uuid NOT NULL,
    at timestamptz NOT NULL,
    outcome text,
    reason text,
    provider_id text,
    PRIMARY KEY (message_id, number)
);

CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    item_id uuid,
    title text NOT NULL,
    text text NOT NULL,
    sender text,
    created_at timestamptz NOT NULL,
    read_at timestamptz
);
CREATE INDEX notifications_inbox ON notifications (tenant_id, employee_id, created_at DESC, id DESC);

GRANT SELECT, INSERT, UPDATE ON channels, opt_outs, messages, attempts, notifications TO comms_service_app;
GRANT SELECT, INSERT ON message_statuses TO comms_service_app;
GRANT INSERT ON message_tenants TO comms_service_app;
GRANT SELECT ON message_tenants TO comms_service_delivery;
"""


def upgrade() -> None:
    run_sql(delivery_tables_v1("comms-service"))
    run_sql(TABLES)
    run_sql(policies("channels", "opt_outs", "messages", "message_statuses", "attempts", "notifications"))
