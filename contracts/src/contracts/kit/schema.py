"""The kit's own tables, as SQL that a service's migrations run; `{app}` and the like are the service's roles.

A text that was released is never edited.
"""


def delivery_tables_v1(service: str) -> str:
    """Outbox, inbox, commands, work and idempotency keys of one service (`entity-service`), with their grants."""
    return _for(service, _USAGE, _OUTBOX, _INBOX, _KEEP_INBOX_DAYS, _WORK, _COMMANDS, _IDEMPOTENCY_KEYS)


def dead_letter_tables_v1(service: str) -> str:
    """Dead letters of one service, what operators did with them, and what the inbox may not forget."""
    return _for(service, _DEAD_LETTERS, _DEAD_LETTER_ACTIONS, _REMEMBERED_MESSAGES)


def quota_tables_v1(service: str) -> str:
    """The limits that the platform set for tenants, one row a setting: the newest holds, the others are the record."""
    return _for(service, _QUOTAS)


def configuration_tables_v1(service: str) -> str:
    """Who changed a tenant's configuration: rows that are added, read, and deleted when they are old."""
    return _for(service, _CONFIGURATION_CHANGES)


def _for(service: str, *tables: str) -> str:
    name = service.replace("-", "_")
    roles = {"owner": f"{name}_owner", "app": f"{name}_app", "delivery": f"{name}_delivery"}
    return "\n".join(tables).format(**roles)


_USAGE = "GRANT USAGE ON SCHEMA public TO {app}, {delivery};"

_OUTBOX = """
CREATE TABLE outbox (
    shard smallint NOT NULL,
    lane integer NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    headers jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    parked_reason text,
    PRIMARY KEY (shard, lane, id)
);
CREATE INDEX outbox_parked ON outbox (key) WHERE parked_reason IS NOT NULL;
GRANT INSERT ON outbox TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO {delivery};
"""

_INBOX = """
CREATE TABLE inbox (
    day date NOT NULL,
    consumer text NOT NULL,
    source text NOT NULL,
    id text NOT NULL,
    PRIMARY KEY (day, consumer, source, id)
) PARTITION BY RANGE (day);
GRANT INSERT ON inbox TO {app};
GRANT SELECT (day, consumer, source, id) ON inbox TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON inbox TO {delivery};
"""

_KEEP_INBOX_DAYS = """
CREATE FUNCTION keep_inbox_days(kept integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    old record;
BEGIN
    PERFORM pg_advisory_xact_lock(7305002);
    FOR offset_days IN -kept..2 LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF inbox FOR VALUES FROM (%L) TO (%L)',
            'inbox_' || to_char(today + offset_days, 'YYYYMMDD'), today + offset_days, today + offset_days + 1);
    END LOOP;
    FOR old IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'inbox'::regclass AND c.relname < 'inbox_' || to_char(today - kept, 'YYYYMMDD') LOOP
        EXECUTE format('DROP TABLE %I', old.relname);
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION keep_inbox_days(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_inbox_days(integer) TO {delivery};
"""

_WORK = """
CREATE TABLE work (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    run_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    lease uuid,
    leased_until timestamptz,
    lost integer NOT NULL DEFAULT 0,
    last_error text,
    traceparent text,
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL GENERATED ALWAYS AS (coalesce(leased_until, run_at)) STORED,
    PRIMARY KEY (tenant_id, id)
);
-- A worker skips from tenant to tenant and looks at the first piece of each.
CREATE INDEX work_turns ON work (tenant_id, kind, due_at);
-- Whether anything is due at all; an expression, so that no plan uses it for the order of one tenant's pieces.
CREATE INDEX work_due ON work ((due_at AT TIME ZONE 'UTC'));
GRANT SELECT, INSERT, UPDATE, DELETE ON work TO {app}, {delivery};
"""

_COMMANDS = """
-- The sender names a command's id: another tenant's command of the same id is another command.
CREATE TABLE commands (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    type text NOT NULL,
    issuer text,
    key text NOT NULL,
    correlation text NOT NULL,
    causepath text NOT NULL DEFAULT '',
    root text NOT NULL,
    traceparent text,
    received_at timestamptz NOT NULL DEFAULT now(),
    results integer NOT NULL DEFAULT 0,
    final_type text,
    final jsonb,
    final_number integer,
    final_at timestamptz,
    PRIMARY KEY (id, tenant_id)
);
ALTER TABLE commands ENABLE ROW LEVEL SECURITY;
ALTER TABLE commands FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON commands TO {app} USING (tenant_id = ANY (current_setting('app.tenants')::uuid[]));
CREATE POLICY alarm ON commands FOR SELECT TO {owner} USING (true);
CREATE FUNCTION is_of_another_tenant_too(command uuid, tenant uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM commands WHERE id = command AND tenant_id <> tenant)
$$;
REVOKE ALL ON FUNCTION is_of_another_tenant_too(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_of_another_tenant_too(uuid, uuid) TO {app};
GRANT SELECT, INSERT, UPDATE ON commands TO {app};
"""

_IDEMPOTENCY_KEYS = """
CREATE TABLE idempotency_keys (
    tenant_id uuid NOT NULL,
    subject text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, subject, key)
);
CREATE INDEX idempotency_keys_oldest ON idempotency_keys (created_at);
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON idempotency_keys TO {app} USING (tenant_id = ANY (current_setting('app.tenants')::uuid[]));
CREATE POLICY delivery ON idempotency_keys TO {delivery} USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO {app};
GRANT DELETE, SELECT (tenant_id, subject, key, created_at) ON idempotency_keys TO {delivery};
"""

_DEAD_LETTERS = """
CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    tenant_id uuid,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    timestamp_ms bigint NOT NULL,
    key bytea,
    value bytea,
    header_names bytea[] NOT NULL,
    header_values bytea[] NOT NULL,
    size integer NOT NULL,
    complete boolean NOT NULL,
    source text,
    message_id text,
    type text,
    reason text NOT NULL,
    detail text NOT NULL,
    replays integer NOT NULL,
    replay_of uuid,
    put_aside_at timestamptz NOT NULL,
    state text NOT NULL,
    action_id uuid,
    settled_at timestamptz,
    erased_at timestamptz
);
CREATE INDEX dead_letters_newest ON dead_letters (put_aside_at DESC, id DESC);
CREATE INDEX dead_letters_of_tenant ON dead_letters (tenant_id, put_aside_at DESC, id DESC);
CREATE INDEX dead_letters_open ON dead_letters (topic) WHERE state IN ('open', 'replaying');
CREATE INDEX dead_letters_of_action ON dead_letters (action_id, topic, partition, "offset");
CREATE INDEX dead_letters_settled ON dead_letters (settled_at) WHERE erased_at IS NULL;
ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY;
ALTER TABLE dead_letters FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON dead_letters TO {app} USING (tenant_id = ANY (current_setting('app.tenants')::uuid[]));
CREATE POLICY delivery ON dead_letters TO {delivery} USING (true);
GRANT SELECT, UPDATE ON dead_letters TO {app};
GRANT SELECT, INSERT, UPDATE ON dead_letters TO {delivery};
"""

_DEAD_LETTER_ACTIONS = """
-- The platform's: a tenant's requests do not reach it.
CREATE TABLE dead_letter_actions (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    operator text NOT NULL,
    started_at timestamptz NOT NULL,
    reason text NOT NULL,
    selection jsonb NOT NULL,
    letters integer NOT NULL,
    per_second double precision,
    next_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX dead_letter_actions_newest ON dead_letter_actions (started_at DESC, id DESC);
CREATE INDEX dead_letter_actions_next ON dead_letter_actions (next_at) WHERE next_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON dead_letter_actions TO {delivery};
"""

_REMEMBERED_MESSAGES = """
-- Ids alone, of all tenants, known when their day has left the inbox; without policy, like the inbox.
CREATE TABLE remembered_messages (
    source text NOT NULL,
    id text NOT NULL,
    PRIMARY KEY (source, id)
);
GRANT SELECT, INSERT ON remembered_messages TO {app}, {delivery};
"""

_QUOTAS = """
CREATE TABLE quotas (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    allowed bigint NOT NULL,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, name, number)
);
ALTER TABLE quotas ENABLE ROW LEVEL SECURITY;
ALTER TABLE quotas FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON quotas USING (tenant_id = ANY (current_setting('app.tenants')::uuid[]));
GRANT SELECT, INSERT ON quotas TO {app};
"""

_CONFIGURATION_CHANGES = """
CREATE TABLE configuration_changes (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    code text,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    before bytea,
    after bytea,
    fields text[] NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX configuration_changes_of ON configuration_changes (tenant_id, kind, code, id);
CREATE INDEX configuration_changes_oldest ON configuration_changes (changed_at);
ALTER TABLE configuration_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE configuration_changes FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON configuration_changes TO {app}
    USING (tenant_id = ANY (current_setting('app.tenants')::uuid[]));
CREATE POLICY delivery ON configuration_changes TO {delivery} USING (true);
GRANT SELECT, INSERT ON configuration_changes TO {app};
GRANT DELETE, SELECT (tenant_id, id, changed_at) ON configuration_changes TO {delivery};
"""
