"""where each file of an exported bundle lies, and its sha256"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exports", sa.Column("members", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("exports", "members")
