"""the ladder of an export: what was asked, which rung its file is of, and the table of all candidates"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exports", sa.Column("ladder", JSONB(), nullable=True))
    op.add_column("exports", sa.Column("rung", sa.Text(), nullable=True))
    op.add_column("exports", sa.Column("candidates", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False))


def downgrade() -> None:
    op.drop_column("exports", "candidates")
    op.drop_column("exports", "rung")
    op.drop_column("exports", "ladder")
