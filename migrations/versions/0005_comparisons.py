"""comparisons, and which jobs are theirs"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())


def upgrade() -> None:
    op.create_table(
        "comparisons",
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("dataset_version_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("spec", JSON, nullable=False),
        sa.Column("methods", JSON, nullable=False),
        sa.Column("seeds", JSON, nullable=False),
        sa.Column("budget", sa.Text(), nullable=False),
        sa.Column("labels", JSON, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("budget in ('images_seen', 'epochs')", name=op.f("ck_comparisons_budget")),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_comparisons_dataset_id")),
        sa.ForeignKeyConstraint(
            ["dataset_version_id"], ["dataset_versions.id"], name=op.f("fk_comparisons_dataset_version_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_comparisons_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparisons")),
    )
    op.create_index("ix_comparisons_tenant_id_id", "comparisons", ["tenant_id", "id"], unique=False)
    op.add_column("models", sa.Column("figures", JSON, nullable=True))
    op.add_column("jobs", sa.Column("comparison_id", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("comparison_method", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_jobs_comparison_id"), "jobs", "comparisons", ["comparison_id"], ["id"])
    op.create_index(
        "ix_jobs_comparison_id_id",
        "jobs",
        ["comparison_id", "id"],
        unique=False,
        postgresql_where=sa.text("comparison_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_comparison_id_id", table_name="jobs")
    op.drop_constraint(op.f("fk_jobs_comparison_id"), "jobs", type_="foreignkey")
    op.drop_column("jobs", "comparison_method")
    op.drop_column("jobs", "comparison_id")
    op.drop_column("models", "figures")
    op.drop_index("ix_comparisons_tenant_id_id", table_name="comparisons")
    op.drop_table("comparisons")
