"""running jobs by id, not by the end of their lease: each heartbeat wrote a new entry into every index of the table"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RUNNING = sa.text("status = 'running'")


def upgrade() -> None:
    op.drop_index("ix_jobs_running", table_name="jobs", postgresql_where=RUNNING)
    op.create_index("ix_jobs_running", "jobs", ["id"], unique=False, postgresql_where=RUNNING)


def downgrade() -> None:
    op.drop_index("ix_jobs_running", table_name="jobs", postgresql_where=RUNNING)
    op.create_index("ix_jobs_running", "jobs", ["lease_expires_at"], unique=False, postgresql_where=RUNNING)
