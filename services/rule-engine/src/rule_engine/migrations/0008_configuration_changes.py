"""Who changed a tenant's configuration."""

from contracts.kit.database import run_sql
from contracts.kit.schema import configuration_tables_v1

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql(configuration_tables_v1("rule-engine"))
