"""The probe's tables: delivery, and notes. The probe is called as its database is."""

from alembic import op

from contracts.kit.database import policies, run_sql
from contracts.kit.schema import (
    configuration_tables_v1,
    dead_letter_tables_v1,
    delivery_tables_v1,
    quota_tables_v1,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    name = op.get_bind().exec_driver_sql("SELECT current_database()").scalar_one()
    run_sql(delivery_tables_v1(name))
    run_sql(dead_letter_tables_v1(name))
    run_sql(quota_tables_v1(name))
    run_sql(configuration_tables_v1(name))
    run_sql(
        f"""CREATE TABLE notes (
            tenant_id uuid NOT NULL,
            position bigint GENERATED ALWAYS AS IDENTITY,
            text text NOT NULL,
            PRIMARY KEY (tenant_id, position)
        );
        {policies("notes")}
        GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO {name}_app;"""
    )
