"""Delivery tables, rule sets and their versions, canaries."""

from contracts.kit.database import policies, run_sql
from contracts.kit.schema import delivery_tables_v1
from rule_engine.store.schema import versions_v1

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE rule_sets (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    pipeline text NOT NULL,
    name text NOT NULL,
    archived boolean NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, code)
);
CREATE UNIQUE INDEX rule_sets_one_per_pipeline ON rule_sets (tenant_id, pipeline) WHERE NOT archived;

CREATE FUNCTION keep_published_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status IN ('published', 'withdrawn') THEN
        RAISE EXCEPTION 'a published version never changes';
    END IF;
    IF OLD.status = 'canary' AND (TG_OP = 'DELETE' OR NEW.status NOT IN ('published', 'withdrawn')
        OR (NEW.document, NEW.programs) IS DISTINCT FROM (OLD.document, OLD.programs)) THEN
        RAISE EXCEPTION 'a version that is tried is only promoted or withdrawn';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TABLE canaries (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    code text NOT NULL,
    workflow boolean NOT NULL,
    version integer NOT NULL,
    base integer NOT NULL,
    share integer NOT NULL CHECK (share BETWEEN 1 AND 99),
    failed double precision,
    refused double precision,
    after integer NOT NULL,
    started_by text NOT NULL,
    started_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('on', 'promoted', 'rolled_back')),
    ended_by text,
    ended_at timestamptz,
    reason text,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX canaries_on ON canaries (tenant_id, code, workflow) WHERE state = 'on';
CREATE INDEX canaries_newest ON canaries (tenant_id, code, workflow, started_at DESC);

GRANT SELECT, INSERT, UPDATE ON canaries TO rule_engine_app;
GRANT SELECT, INSERT, UPDATE ON rule_sets TO rule_engine_app;
"""


def upgrade() -> None:
    """Applies the revision."""
    run_sql(delivery_tables_v1("rule-engine"))
    run_sql(TABLES)
    run_sql(versions_v1("rule_set"))
    run_sql(policies("rule_sets", "rule_set_versions", "canaries"))
