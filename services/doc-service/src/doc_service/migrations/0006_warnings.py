"""What the author of a document should know though it could be printed."""

from contracts.kit.database import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql("ALTER TABLE documents ADD COLUMN warnings text[] NOT NULL DEFAULT '{}'")
