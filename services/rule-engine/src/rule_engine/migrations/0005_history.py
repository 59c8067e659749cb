"""What rules of runs were before they are what they are; how old decisions are found and forgotten; rules applied to
items that were in the stage already.

The database itself keeps what an update overwrites, so that no writer can forget it.
"""

from contracts.kit.database import policies, run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Applies the revision."""
    run_sql(TABLES)
    run_sql(policies("rule_run_history", "backfills"))
    run_sql(GRANTS)


TABLES = """
CREATE TABLE rule_run_history (
    tenant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    step integer NOT NULL,
    item_id uuid NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    reason text,
    attempt integer NOT NULL,
    command_id uuid,
    version integer NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL
);
CREATE INDEX rule_run_history_rule ON rule_run_history (tenant_id, item_id, run_id, step, until);
CREATE INDEX rule_run_history_age ON rule_run_history USING brin (until);

CREATE FUNCTION keep_rule_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rule_run_history (tenant_id, run_id, step, item_id, state, due_at, reason, attempt, command_id,
        version, since, until)
    VALUES (OLD.tenant_id, OLD.run_id, OLD.step, OLD.item_id, OLD.state, OLD.due_at, OLD.reason, OLD.attempt,
        OLD.command_id, OLD.version, OLD.changed_at, NEW.changed_at);
    RETURN NULL;
END $$;
CREATE TRIGGER rule_runs_are_remembered AFTER UPDATE ON rule_runs FOR EACH ROW
    WHEN ((OLD.state, OLD.due_at, OLD.reason, OLD.attempt, OLD.version) IS DISTINCT FROM
          (NEW.state, NEW.due_at, NEW.reason, NEW.attempt, NEW.version))
    EXECUTE FUNCTION keep_rule_run();

CREATE TABLE backfills (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    rule_set text NOT NULL,
    version integer NOT NULL,
    pipeline text NOT NULL,
    stage text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    items integer NOT NULL,
    last_item uuid,
    planned integer NOT NULL DEFAULT 0,
    passed_over integer NOT NULL DEFAULT 0,
    done_at timestamptz,
    given_up text,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX decisions_rule ON decisions (tenant_id, item_id, run_id, step, at);
DROP INDEX decisions_item;
CREATE INDEX decisions_age ON decisions USING brin (at);
"""

GRANTS = """
GRANT SELECT, INSERT ON rule_run_history TO rule_engine_app;
GRANT SELECT, INSERT, UPDATE ON backfills TO rule_engine_app;
GRANT SELECT (ctid, at), DELETE ON decisions TO rule_engine_delivery;
GRANT SELECT (ctid, until), DELETE ON rule_run_history TO rule_engine_delivery;
CREATE POLICY forgetting ON decisions TO rule_engine_delivery USING (true);
CREATE POLICY forgetting ON rule_run_history TO rule_engine_delivery USING (true);
"""
