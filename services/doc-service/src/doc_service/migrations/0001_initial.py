"""Files, templates, numbers, documents, public links."""

from contracts.kit.database import policies, run_sql
from contracts.kit.schema import delivery_tables_v1

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE files (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL
);

CREATE INDEX files_of_tenant ON files (tenant_id) INCLUDE (size);

CREATE TABLE templates (
    tenant_id uuid NOT NULL,
    code text COLLATE "C" NOT NULL,
    latest integer NOT NULL,
    published integer,
    archived boolean NOT NULL,
    PRIMARY KEY (tenant_id, code)
);
CREATE TABLE template_versions (
    tenant_id uuid NOT NULL,
    code text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    language text,
    number_pattern text NOT NULL,
    source text NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    PRIMARY KEY (tenant_id, code, version)
);

CREATE TABLE number_series (
    tenant_id uuid NOT NULL,
    series text NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (tenant_id, series)
);

-- `data` is json, not jsonb: the order of its fields is the author's, and any character may occur in its texts.
CREATE TABLE documents (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    item_id uuid NOT NULL,
    template text NOT NULL,
    template_version integer NOT NULL,
    title text NOT NULL,
    company text NOT NULL,
    number text NOT NULL,
    language text NOT NULL,
    time_zone text NOT NULL,
    data json NOT NULL,
    wait_for_pdf boolean NOT NULL,
    public_link boolean NOT NULL,
    link_days integer,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    command_id uuid NOT NULL,
    correlation text NOT NULL,
    causepath text NOT NULL,
    root text NOT NULL,
    status text NOT NULL CHECK (status IN ('waiting', 'ready', 'failed', 'cancelled')),
    reason text,
    file_id uuid REFERENCES files,
    views integer NOT NULL DEFAULT 0,
    viewed_at timestamptz,
    CHECK ((status = 'ready') = (file_id IS NOT NULL))
);
CREATE INDEX documents_item ON documents (tenant_id, item_id, created_at DESC, id DESC);
CREATE INDEX documents_newest ON documents (tenant_id, created_at DESC, id DESC);

CREATE TABLE links (
    token_hash bytea PRIMARY KEY,
    tenant_id uuid NOT NULL,
    document_id uuid NOT NULL REFERENCES documents,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX links_document ON links (document_id, created_at DESC);

-- Who opened a document within the last minute, so that reloading is not counted.
CREATE TABLE recent_views (
    tenant_id uuid NOT NULL,
    document_id uuid NOT NULL REFERENCES documents,
    visitor bytea NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (document_id, visitor)
);

-- Whoever opens a link names no tenant: this table says whose it is. It has no policy; the app role can only add to it.
CREATE TABLE link_tokens (
    token_hash bytea PRIMARY KEY,
    tenant_id uuid NOT NULL
);

GRANT SELECT, INSERT ON files, template_versions TO doc_service_app;
GRANT SELECT, INSERT, UPDATE ON templates, number_series, documents, links TO doc_service_app;
GRANT SELECT, INSERT, DELETE ON recent_views TO doc_service_app;
GRANT INSERT ON link_tokens TO doc_service_app;
GRANT SELECT ON link_tokens TO doc_service_delivery;
"""

BOUND = ("files", "templates", "template_versions", "number_series", "documents", "links", "recent_views")


def upgrade() -> None:
    run_sql(delivery_tables_v1("doc-service"))
    run_sql(TABLES)
    run_sql(policies(*BOUND))
