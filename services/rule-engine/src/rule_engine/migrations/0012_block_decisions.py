"""What blocks of workflows have chosen by their conditions is kept beside the decisions of rules."""

from contracts.kit.database import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Applies the revision."""
    run_sql("""
ALTER TABLE decisions ADD COLUMN block boolean NOT NULL DEFAULT false;
ALTER TABLE decisions ADD COLUMN choice text;
""")
