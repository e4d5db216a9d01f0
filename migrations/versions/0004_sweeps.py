"""sweeps and their trials, and the schema in which Optuna keeps its own"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "sweeps",
        sa.Column("dataset_version_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("spec", JSONB, nullable=False),
        sa.Column("labels", JSONB, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", JSONB, nullable=True),
        sa.Column("best_number", sa.BigInteger(), nullable=True),
        sa.Column("final_job_id", sa.Text(), nullable=True),
        sa.Column("final_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint("status in ('running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_sweeps_status")),
        sa.ForeignKeyConstraint(
            ["dataset_version_id"], ["dataset_versions.id"], name=op.f("fk_sweeps_dataset_version_id")
        ),
        sa.ForeignKeyConstraint(
            ["final_job_id"], ["jobs.id"], name=op.f("fk_sweeps_final_job_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_sweeps_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweeps")),
    )
    op.create_index("ix_sweeps_tenant_id_id", "sweeps", ["tenant_id", "id"], unique=False)
    op.create_index("ix_sweeps_final_job_id", "sweeps", ["final_job_id"], unique=False)
    op.create_index("ix_sweeps_running", "sweeps", ["id"], unique=False, postgresql_where=sa.text("status = 'running'"))
    op.create_table(
        "sweep_trials",
        sa.Column("sweep_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("params", JSONB, nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("epochs", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status in ('running', 'complete', 'pruned', 'failed', 'cancelled')", name=op.f("ck_sweep_trials_status")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_sweep_trials_job_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.id"], name=op.f("fk_sweep_trials_sweep_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sweep_id", "number", name=op.f("pk_sweep_trials")),
        sa.UniqueConstraint("job_id", name=op.f("uq_sweep_trials_job_id")),
    )
    op.add_column("jobs", sa.Column("sweep_id", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_jobs_sweep_id"), "jobs", "sweeps", ["sweep_id"], ["id"])
    op.create_index(
        "ix_jobs_sweep_id_id",
        "jobs",
        ["sweep_id", "id"],
        unique=False,
        postgresql_where=sa.text("sweep_id is not null"),
    )
    # Its tables are Optuna's own to make, and made when the first sweep is driven (worker/sweeps/studies.py).
    op.execute("CREATE SCHEMA IF NOT EXISTS optuna")


def downgrade() -> None:
    op.execute("DROP SCHEMA optuna CASCADE")
    op.drop_index("ix_jobs_sweep_id_id", table_name="jobs", postgresql_where=sa.text("sweep_id is not null"))
    op.drop_constraint(op.f("fk_jobs_sweep_id"), "jobs", type_="foreignkey")
    op.drop_column("jobs", "sweep_id")
    op.drop_table("sweep_trials")
    op.drop_table("sweeps")
