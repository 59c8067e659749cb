"""Tables of the engine that several revisions make alike. A function is never changed once a release has it."""


def versions_v1(what: str, *columns: str) -> str:
    """The versions of the rows of a table: `rule_set` has them in `rule_set_versions`, by `tenant_id` and `code`.

    One may be a draft, one a canary; those that are published or withdrawn never change (`keep_published_version`).
    """
    more = "".join(f"\n    {column}," for column in columns)
    table = f"{what}_versions"
    return f"""CREATE TABLE {table} (
    tenant_id uuid NOT NULL,
    code text NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    status text NOT NULL CHECK (status IN ('draft', 'canary', 'withdrawn', 'published')),
    document jsonb NOT NULL,
    programs jsonb,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    published_by text,
    published_at timestamptz,{more}
    PRIMARY KEY (tenant_id, code, version),
    FOREIGN KEY (tenant_id, code) REFERENCES {what}s,
    CHECK ((status <> 'draft') = (programs IS NOT NULL AND published_at IS NOT NULL))
);
CREATE UNIQUE INDEX {table}_one_draft ON {table} (tenant_id, code) WHERE status = 'draft';
CREATE UNIQUE INDEX {table}_one_canary ON {table} (tenant_id, code) WHERE status = 'canary';
CREATE TRIGGER published_versions_stay BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION keep_published_version();
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO rule_engine_app;
"""
