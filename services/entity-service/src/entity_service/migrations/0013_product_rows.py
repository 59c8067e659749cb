"""Product rows have ids, so that some of them can be named, and say whether their price has the tax in it."""

from contracts.kit.database import run_sql

revision = "0013"
down_revision = "0015"

ROWS = """
ALTER TABLE products
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN tax_included boolean NOT NULL DEFAULT false;
ALTER TABLE products ALTER COLUMN id DROP DEFAULT, ALTER COLUMN tax_included DROP DEFAULT;
"""


def upgrade() -> None:
    run_sql(ROWS)
