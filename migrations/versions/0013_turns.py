"""whose turn it is: when a tenant was served last, the priority of its jobs, and its queued jobs in their order"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

QUEUED = sa.text("status = 'queued'")


def upgrade() -> None:
    op.add_column("tenants", sa.Column("served_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("priority", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    order: list[str | sa.TextClause] = ["tenant_id", sa.text("priority DESC"), "queued_at", "id"]
    op.create_index("ix_jobs_turn", "jobs", order, unique=False, postgresql_where=QUEUED)


def downgrade() -> None:
    op.drop_index("ix_jobs_turn", table_name="jobs", postgresql_where=QUEUED)
    op.drop_column("jobs", "priority")
    op.drop_column("tenants", "served_at")
