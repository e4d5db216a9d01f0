"""what a tenant stores is summed from these indexes alone"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SUMMED = {"checkpoints": "bytes", "models": "weights_bytes", "exports": "bytes"}


def upgrade() -> None:
    for table, column in SUMMED.items():
        op.create_index(f"ix_{table}_tenant_id", table, ["tenant_id"], unique=False, postgresql_include=[column])


def downgrade() -> None:
    for table, column in SUMMED.items():
        op.drop_index(f"ix_{table}_tenant_id", table_name=table, postgresql_include=[column])
