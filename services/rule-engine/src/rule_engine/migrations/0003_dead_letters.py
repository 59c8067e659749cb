"""Dead letters, and what operators did with them."""

from contracts.kit.database import run_sql
from contracts.kit.schema import dead_letter_tables_v1

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql(dead_letter_tables_v1("rule-engine"))
