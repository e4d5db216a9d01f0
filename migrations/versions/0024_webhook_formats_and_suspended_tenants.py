"""formats and thresholds of webhooks, comparisons that ended, suspended tenants

Comparisons whose jobs are over have ended: nobody is told of those now.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ENDED = """
UPDATE comparisons SET ended_at = now() WHERE NOT EXISTS (
    SELECT FROM jobs WHERE jobs.comparison_id = comparisons.id
        AND jobs.status NOT IN ('succeeded', 'failed', 'cancelled'))"""


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("format", sa.Text(), server_default="standard", nullable=False))
    op.add_column(
        "webhooks",
        sa.Column(
            "thresholds",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.create_table(
        "webhook_crossings",
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("threshold", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name="fk_webhook_crossings_webhook_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_webhook_crossings_job_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("webhook_id", "job_id", "threshold", name="pk_webhook_crossings"),
    )
    op.create_index("ix_webhook_crossings_job_id", "webhook_crossings", ["job_id"])
    op.add_column("comparisons", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(_ENDED)
    op.create_index("ix_comparisons_open", "comparisons", ["id"], postgresql_where=sa.text("ended_at IS NULL"))
    op.add_column("tenants", sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tenants", sa.Column("suspended_reason", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("tenants", "suspended_reason")
    op.drop_column("tenants", "suspended_at")
    op.drop_index("ix_comparisons_open", table_name="comparisons")
    op.drop_column("comparisons", "ended_at")
    op.drop_table("webhook_crossings")
    op.drop_column("webhooks", "thresholds")
    op.drop_column("webhooks", "format")
