"""what a published model said of each held-out image"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("models", sa.Column("predictions_key", sa.Text(), nullable=True))
    op.add_column("models", sa.Column("predictions_bytes", sa.BigInteger(), nullable=True))
    op.add_column("models", sa.Column("predictions_sha256", sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("predictions_sha256", "predictions_bytes", "predictions_key"):
        op.drop_column("models", name)
