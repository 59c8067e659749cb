"""Accounts at payment providers and carriers, what is to be asked of them, and shipments."""

from contracts.kit.database import policies, run_sql

revision = "0018"
down_revision = "0016"

TABLES = """
CREATE TABLE accounts (
    tenant_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('payment', 'carrier')),
    code text COLLATE "C" NOT NULL,
    name text NOT NULL,
    provider text NOT NULL,
    archived boolean NOT NULL,
    secret text NOT NULL,
    token text NOT NULL,
    PRIMARY KEY (tenant_id, kind, code)
);

-- A provider that calls names no tenant: this table says whose account it calls about. It has no policy; the app role
-- can only add.
CREATE TABLE account_tokens (
    token_hash bytea PRIMARY KEY,
    tenant_id uuid NOT NULL
);

CREATE TABLE provider_requests (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    action text NOT NULL,
    subject_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE shipments (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    item_id uuid NOT NULL,
    carrier text NOT NULL,
    address text NOT NULL,
    window_start timestamptz,
    window_end timestamptz,
    status text NOT NULL,
    tracking text,
    reason text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, item_id) REFERENCES items ON DELETE CASCADE
);
CREATE INDEX shipments_item ON shipments (tenant_id, item_id, id);

GRANT SELECT, INSERT, UPDATE ON accounts TO entity_service_app;
GRANT SELECT, INSERT, DELETE ON provider_requests TO entity_service_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON shipments TO entity_service_app;
GRANT INSERT ON account_tokens TO entity_service_app;
GRANT SELECT ON account_tokens TO entity_service_delivery;
"""


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies("accounts", "provider_requests", "shipments"))
