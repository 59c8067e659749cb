"""Definitions, public addresses, arrivals, and the tables that deliver."""

from contracts.kit.database import policies, run_sql
from contracts.kit.schema import delivery_tables_v1

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE triggers (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    type text NOT NULL,
    archived boolean NOT NULL,
    spec jsonb NOT NULL,
    change_as uuid,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, code)
);
CREATE INDEX triggers_of_type ON triggers (tenant_id, type) WHERE NOT archived;

CREATE TABLE forms (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    token text NOT NULL,
    spec jsonb NOT NULL,
    responsible_id uuid,
    item_fields jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, code)
);

CREATE TABLE payment_providers (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    token text NOT NULL,
    name text NOT NULL,
    secret text NOT NULL,
    archived boolean NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, code)
);

-- From a token's hash to its tenant; read before the tenant is known, so it has no policy.
CREATE TABLE public_addresses (
    token_hash bytea PRIMARY KEY,
    kind text NOT NULL,
    owner_tenant uuid NOT NULL,
    code text NOT NULL,
    UNIQUE (owner_tenant, kind, code)
);

CREATE TABLE arrivals (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    trigger_type text NOT NULL,
    source text NOT NULL,
    trigger text,
    item_id uuid,
    command_id uuid,
    verdict text NOT NULL,
    reason text NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    notes jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    judged_at timestamptz,
    key_hash bytea
);
CREATE INDEX arrivals_newest ON arrivals (tenant_id, received_at DESC, id DESC);
CREATE INDEX arrivals_of_item ON arrivals (tenant_id, item_id);
CREATE INDEX arrivals_of_command ON arrivals (command_id) WHERE verdict = 'pending';
CREATE INDEX arrivals_of_key ON arrivals (tenant_id, key_hash) WHERE key_hash IS NOT NULL;
CREATE INDEX arrivals_of_trigger ON arrivals USING gin (notes jsonb_path_ops);

-- What was submitted, until it had its effect: what was refused can be judged again, and is forgotten some days after.
CREATE TABLE submissions (
    arrival_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    content jsonb NOT NULL,
    refused_at timestamptz
);
CREATE INDEX submissions_refused ON submissions (refused_at) WHERE refused_at IS NOT NULL;

-- Hashes of what was seen before, and of who posts how often; without content, so without policy.
CREATE TABLE seen (
    key bytea PRIMARY KEY,
    content bytea NOT NULL,
    arrival_id uuid NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX seen_at ON seen (at);

CREATE TABLE rates (
    key bytea NOT NULL,
    since timestamptz NOT NULL,
    posts integer NOT NULL,
    PRIMARY KEY (key, since)
);

GRANT SELECT, INSERT, UPDATE ON triggers, forms, payment_providers, arrivals, seen, rates TO trigger_service_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON submissions TO trigger_service_app;
GRANT SELECT, INSERT, UPDATE ON public_addresses TO trigger_service_app;
GRANT SELECT, DELETE ON seen, rates TO trigger_service_delivery;
GRANT SELECT (refused_at), DELETE ON submissions TO trigger_service_delivery;
"""


def upgrade() -> None:
    run_sql(delivery_tables_v1("trigger-service"))
    run_sql(TABLES)
    run_sql(policies("triggers", "forms", "payment_providers", "arrivals", "submissions"))
    run_sql("CREATE POLICY forgetting ON submissions TO trigger_service_delivery USING (true)")
