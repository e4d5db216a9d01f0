"""the ONNX opset that an export asked for"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exports", sa.Column("opset", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("exports", "opset")
