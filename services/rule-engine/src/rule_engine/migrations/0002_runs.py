"""Entries, runs, timers, decisions, commands under way, and what operators did."""

from contracts.kit.database import policies, run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Applies the revision."""
    run_sql(TABLES)
    run_sql(policies("item_heads", "entries", "runs", "rule_runs", "decisions", "sent_commands", "operator_actions"))
    run_sql(GRANTS)


TABLES = """
CREATE TABLE item_heads (
    tenant_id uuid NOT NULL,
    item_id uuid NOT NULL,
    last_entry_seq integer NOT NULL,
    last_version bigint NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, item_id)
);
CREATE TABLE entries (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    item_id uuid NOT NULL,
    entry_seq integer NOT NULL,
    kind text NOT NULL,
    pipeline text NOT NULL,
    stage text NOT NULL,
    entered_at timestamptz NOT NULL,
    snapshot jsonb NOT NULL,
    origin text NOT NULL,
    correlation text NOT NULL,
    causepath text NOT NULL,
    root text NOT NULL,
    traceparent text,
    rule_set text,
    version integer,
    note text,
    left_at timestamptz,
    left_reason text,
    workflow boolean NOT NULL DEFAULT false,
    started_by text,
    canary_share integer,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX entries_seq ON entries (tenant_id, item_id, entry_seq) WHERE NOT workflow;
CREATE INDEX entries_recorded ON entries (tenant_id, pipeline, entered_at) WHERE NOT workflow;
CREATE TABLE runs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    item_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    rule_set text NOT NULL,
    version integer NOT NULL,
    stage text NOT NULL,
    chain integer NOT NULL,
    workflow boolean NOT NULL DEFAULT false,
    state jsonb NOT NULL,
    outcome text,
    reason text,
    status text,
    concurrency_key text,
    awaits text[] NOT NULL DEFAULT '{}',
    rev integer NOT NULL DEFAULT 0,
    last_generation integer NOT NULL DEFAULT 0,
    finished boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, entry_id) REFERENCES entries (tenant_id, id)
);
CREATE INDEX runs_entry ON runs (tenant_id, entry_id);
CREATE INDEX runs_item ON runs (tenant_id, item_id);
CREATE INDEX runs_workflow ON runs (tenant_id, rule_set, created_at DESC, id DESC) WHERE workflow;
CREATE INDEX runs_open ON runs (tenant_id, item_id) WHERE NOT finished;
CREATE TABLE rule_runs (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    step integer NOT NULL,
    parent integer NOT NULL DEFAULT 0,
    iteration integer NOT NULL DEFAULT 0,
    rule_id text NOT NULL,
    item_id uuid NOT NULL,
    rule_set text NOT NULL,
    workflow boolean NOT NULL DEFAULT false,
    block boolean NOT NULL DEFAULT false,
    version integer NOT NULL,
    stage text NOT NULL,
    position integer NOT NULL,
    name text NOT NULL,
    title text NOT NULL,
    type text NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    reason text,
    attempt integer NOT NULL DEFAULT 0,
    command_id uuid,
    outputs jsonb,
    started_at timestamptz,
    changed_at timestamptz NOT NULL,
    trace_id text,
    PRIMARY KEY (tenant_id, run_id, step)
);
CREATE INDEX rule_runs_state ON rule_runs (tenant_id, state, changed_at DESC);
CREATE INDEX rule_runs_item ON rule_runs (tenant_id, item_id);
CREATE TABLE timers (
    run_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    generation integer NOT NULL,
    scheduled_generation integer NOT NULL,
    wake_at timestamptz,
    has_execution boolean NOT NULL DEFAULT false,
    failures integer NOT NULL DEFAULT 0
);
CREATE INDEX timers_unscheduled ON timers (tenant_id, wake_at NULLS FIRST) WHERE scheduled_generation < generation;
CREATE INDEX timers_due ON timers (tenant_id, wake_at);
CREATE TABLE decisions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    item_id uuid NOT NULL,
    run_id uuid NOT NULL,
    step integer NOT NULL,
    rule_id text NOT NULL,
    rule text NOT NULL,
    rule_set text NOT NULL,
    version integer NOT NULL,
    stage text NOT NULL,
    at timestamptz NOT NULL,
    state text NOT NULL,
    reason text,
    seen jsonb NOT NULL,
    leaves jsonb NOT NULL,
    command_id uuid,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX decisions_item ON decisions (tenant_id, item_id, at);
CREATE TABLE sent_commands (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    run_id uuid NOT NULL,
    rule_id text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    headers jsonb NOT NULL,
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE command_deadlines (
    command_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    ask_again_at timestamptz NOT NULL
);
CREATE INDEX command_deadlines_due ON command_deadlines (tenant_id, ask_again_at);
CREATE TABLE operator_actions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    subject text NOT NULL,
    action text NOT NULL,
    run_id uuid NOT NULL,
    rule_id text,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX operator_actions_run ON operator_actions (tenant_id, run_id);
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE ON item_heads, entries, runs, rule_runs TO rule_engine_app;
GRANT SELECT, INSERT ON decisions, operator_actions TO rule_engine_app;
GRANT SELECT, INSERT, DELETE ON sent_commands TO rule_engine_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON timers, command_deadlines TO rule_engine_app, rule_engine_delivery;
"""
