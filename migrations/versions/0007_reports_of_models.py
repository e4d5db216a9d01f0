"""the report of a model: three columns that are null for models published before"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("models", sa.Column("report_key", sa.Text(), nullable=True))
    op.add_column("models", sa.Column("report_bytes", sa.BigInteger(), nullable=True))
    op.add_column("models", sa.Column("report_sha256", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("models", "report_sha256")
    op.drop_column("models", "report_bytes")
    op.drop_column("models", "report_key")
