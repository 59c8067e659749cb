"""Payment accounts without a provider that is asked: they report payments."""

from contracts.kit.database import run_sql

revision = "0019"
down_revision = "0017"


def upgrade() -> None:
    run_sql("ALTER TABLE accounts ALTER COLUMN provider DROP NOT NULL")
