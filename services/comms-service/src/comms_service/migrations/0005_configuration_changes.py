"""Who changed a tenant's configuration."""

from contracts.kit.database import run_sql
from contracts.kit.schema import configuration_tables_v1

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql(configuration_tables_v1("comms-service"))
