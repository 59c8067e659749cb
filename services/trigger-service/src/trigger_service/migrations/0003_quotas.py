"""The limits that the platform set for tenants."""

from contracts.kit.database import run_sql
from contracts.kit.schema import quota_tables_v1

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql(quota_tables_v1("trigger-service"))
