"""Where people open a tenant's items in a browser."""

from contracts.kit.database import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql("ALTER TABLE tenants ADD COLUMN crm_url text NOT NULL DEFAULT ''")
