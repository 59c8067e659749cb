"""The first schema: the kit's tables and everything a tenant owns."""

from contracts.kit.database import policies, run_sql
from contracts.kit.schema import delivery_tables_v1

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE tenants (
    tenant_id uuid PRIMARY KEY,
    name text NOT NULL,
    time_zone text NOT NULL,
    language text NOT NULL,
    currency text NOT NULL,
    tax_rounding text NOT NULL,
    default_assignee text
);

CREATE TABLE departments (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    parent text,
    head text,
    archived boolean NOT NULL,
    PRIMARY KEY (tenant_id, code),
    FOREIGN KEY (tenant_id, parent) REFERENCES departments
);

CREATE TABLE employees (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    code text NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text,
    phone text,
    position text,
    department text,
    successor text,
    archived boolean NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, code),
    FOREIGN KEY (tenant_id, department) REFERENCES departments
);
CREATE INDEX employees_archived ON employees (tenant_id) WHERE archived;

CREATE TABLE pipelines (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    archived boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, code)
);

CREATE TABLE stages (
    tenant_id uuid NOT NULL,
    pipeline text NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    position integer NOT NULL,
    outcome text NOT NULL,
    PRIMARY KEY (tenant_id, pipeline, code),
    FOREIGN KEY (tenant_id, pipeline) REFERENCES pipelines
);

CREATE TABLE fields (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    multiple boolean NOT NULL,
    options jsonb NOT NULL,
    archived boolean NOT NULL,
    PRIMARY KEY (tenant_id, kind, code)
);

CREATE TABLE contacts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    phones jsonb NOT NULL,
    emails jsonb NOT NULL,
    -- What was last said of the contact as a whole, and when; null: nothing, or it is settled by address since.
    stated_opt_out boolean,
    stated_at timestamptz,
    consent_keys text[] NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX contacts_consent_keys ON contacts USING gin (consent_keys);
CREATE INDEX contacts_phones ON contacts USING gin (phones jsonb_path_ops);
CREATE INDEX contacts_emails ON contacts USING gin (emails jsonb_path_ops);

CREATE TABLE companies (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    title text NOT NULL,
    phones jsonb NOT NULL,
    emails jsonb NOT NULL,
    address text,
    tax_number text,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX companies_phones ON companies USING gin (phones jsonb_path_ops);
CREATE INDEX companies_emails ON companies USING gin (emails jsonb_path_ops);

CREATE TABLE items (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    pipeline text NOT NULL,
    stage text NOT NULL,
    version integer NOT NULL,
    entry_seq integer NOT NULL,
    responsible_id uuid,
    observer_ids uuid[] NOT NULL,
    contact_ids uuid[] NOT NULL,
    company_id uuid,
    amount bigint,
    currency text,
    amount_by_hand boolean NOT NULL,
    tax_rounding text NOT NULL,
    source text,
    activity_count integer NOT NULL,
    fields jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, pipeline, stage) REFERENCES stages,
    FOREIGN KEY (tenant_id, responsible_id) REFERENCES employees,
    FOREIGN KEY (tenant_id, company_id) REFERENCES companies
);
CREATE INDEX items_stage ON items (tenant_id, pipeline, stage, id);
CREATE INDEX items_responsible ON items (tenant_id, responsible_id, id);
CREATE INDEX items_company ON items (tenant_id, company_id, id);
CREATE INDEX items_contacts ON items USING gin (contact_ids);
CREATE INDEX items_updated ON items (tenant_id, updated_at);

CREATE TABLE links (
    tenant_id uuid NOT NULL,
    from_id uuid NOT NULL,
    to_id uuid NOT NULL,
    relation text NOT NULL,
    PRIMARY KEY (tenant_id, from_id, to_id, relation),
    FOREIGN KEY (tenant_id, from_id) REFERENCES items ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, to_id) REFERENCES items ON DELETE CASCADE
);
CREATE INDEX links_to ON links (tenant_id, to_id);

CREATE TABLE products (
    tenant_id uuid NOT NULL,
    item_id uuid NOT NULL,
    position integer NOT NULL,
    name text NOT NULL,
    quantity numeric NOT NULL,
    unit text NOT NULL,
    price bigint NOT NULL,
    currency text NOT NULL,
    discount_percent numeric NOT NULL,
    tax_percent numeric NOT NULL,
    net bigint NOT NULL,
    total bigint NOT NULL,
    PRIMARY KEY (tenant_id, item_id, position),
    FOREIGN KEY (tenant_id, item_id) REFERENCES items ON DELETE CASCADE
);

CREATE TABLE activities (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    item_id uuid NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    author text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, item_id) REFERENCES items ON DELETE CASCADE
);
CREATE INDEX activities_item ON activities (tenant_id, item_id, id);

CREATE TABLE tasks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    item_id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    assignee_id uuid NOT NULL,
    deadline timestamptz,
    participants uuid[] NOT NULL,
    observers uuid[] NOT NULL,
    checklist jsonb NOT NULL,
    priority text NOT NULL,
    tags jsonb NOT NULL,
    complete_on_leave boolean NOT NULL,
    stage text NOT NULL,
    status text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    completed_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, item_id) REFERENCES items ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, assignee_id) REFERENCES employees
);
CREATE INDEX tasks_item ON tasks (tenant_id, item_id, id);
CREATE INDEX tasks_assignee ON tasks (tenant_id, assignee_id, id);
-- Whoever takes part in one is looked for among these: row-level security lets no index of arrays be used.
CREATE INDEX tasks_open ON tasks (tenant_id) WHERE status IN ('open', 'in_progress');

CREATE TABLE payments (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid,
    deal_id uuid,
    status text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    paid_at timestamptz,
    provider_reference text,
    method text,
    account text,
    link text,
    expires_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES items ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, deal_id) REFERENCES items ON DELETE SET NULL (deal_id),
    CHECK (invoice_id IS NOT NULL OR deal_id IS NOT NULL)
);
CREATE INDEX payments_invoice ON payments (tenant_id, invoice_id);
CREATE INDEX payments_deal ON payments (tenant_id, deal_id);

CREATE TABLE timeline (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    item_id uuid NOT NULL,
    kind text NOT NULL,
    text text NOT NULL,
    data jsonb NOT NULL,
    author text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, item_id, id),
    FOREIGN KEY (tenant_id, item_id) REFERENCES items ON DELETE CASCADE
);
"""

OWNED = (
    "tenants",
    "departments",
    "employees",
    "pipelines",
    "stages",
    "fields",
    "contacts",
    "companies",
    "items",
    "links",
    "products",
    "activities",
    "tasks",
    "payments",
    "timeline",
)


def upgrade() -> None:
    run_sql(delivery_tables_v1("entity-service"))
    run_sql(TABLES)
    run_sql(policies(*OWNED))
    run_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(OWNED)} TO entity_service_app")
