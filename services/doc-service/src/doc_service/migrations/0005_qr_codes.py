"""QR codes and who scanned them just now."""

from contracts.kit.database import policies, run_sql

revision = "0005"
down_revision = "0004"

TABLES = """
CREATE TABLE qr_codes (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    item_id uuid NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    address text,
    language text NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    command_id uuid NOT NULL,
    token_hash bytea UNIQUE,
    image jsonb,
    scans integer NOT NULL,
    scanned_at timestamptz,
    CHECK ((token_hash IS NULL) = (image IS NULL))
);
CREATE INDEX qr_codes_item ON qr_codes (tenant_id, item_id, created_at DESC, id DESC);
CREATE INDEX qr_codes_newest ON qr_codes (tenant_id, created_at DESC, id DESC);

-- Who scanned a code within the last minute, so that reloading is not counted.
CREATE TABLE recent_scans (
    tenant_id uuid NOT NULL,
    qr_code_id uuid NOT NULL REFERENCES qr_codes,
    visitor bytea NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (qr_code_id, visitor)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON qr_codes TO doc_service_app;
GRANT SELECT, INSERT, DELETE ON recent_scans TO doc_service_app;
"""


def upgrade() -> None:
    run_sql(TABLES)
    run_sql(policies("qr_codes", "recent_scans"))
