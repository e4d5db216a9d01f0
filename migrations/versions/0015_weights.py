"""pretrained weights that people push"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "weights",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("upload_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("architecture", sa.Text(), nullable=False),
        sa.Column("classes", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("input", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("num_classes", sa.BigInteger(), nullable=True),
        sa.Column("channels", sa.BigInteger(), nullable=True),
        sa.Column("stem", sa.Text(), nullable=True),
        sa.Column("report", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("error", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.CheckConstraint("status in ('queued', 'running', 'ready', 'failed')", name="ck_weights_status"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_weights_tenant_id"),
        sa.ForeignKeyConstraint(["upload_id"], ["uploads.id"], name="fk_weights_upload_id"),
        sa.PrimaryKeyConstraint("id", name="pk_weights"),
    )
    op.create_index("ix_weights_tenant_id_id", "weights", ["tenant_id", "id"])
    op.create_index("ix_weights_upload_id", "weights", ["upload_id"])
    op.create_index(
        "ix_weights_live", "weights", ["lease_expires_at"], postgresql_where=sa.text("status in ('queued', 'running')")
    )


def downgrade() -> None:
    op.drop_table("weights")
