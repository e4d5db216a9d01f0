"""jobs by the beginning of their name, in any case"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

NAMED = sa.text("name IS NOT NULL")


def upgrade() -> None:
    name: list[str | sa.TextClause] = ["tenant_id", sa.text("lower(name) text_pattern_ops"), "id"]
    op.create_index("ix_jobs_name", "jobs", name, unique=False, postgresql_where=NAMED)


def downgrade() -> None:
    op.drop_index("ix_jobs_name", table_name="jobs", postgresql_where=NAMED)
